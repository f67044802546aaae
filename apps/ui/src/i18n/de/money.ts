import type { money as english } from '../en/money.ts'

export const money: Record<keyof typeof english, string> = {
  empty: 'Gib einen Betrag ein.',
  notANumber: 'Gib einen Betrag in Dollar ein, zum Beispiel {example}.',
  twoReadings: '„{typed}“ kann {small} oder {large} bedeuten. Gib ein, was du meinst.',
  tooPrecise: 'Beträge gehen bis auf den Cent: höchstens zwei Stellen nach dem Komma.',
  zero: 'Der Betrag muss mindestens {least} sein.',
  negative: 'Gib den Betrag ohne Minuszeichen ein.',
  tooLarge: 'Auf einmal können höchstens {most} gesendet werden.',
}
