import type { payLink as english } from '../en/pay-link.ts'

export const payLink: Record<keyof typeof english, string> = {
  title: 'Dein Zahlungslink',
  whatItDoes:
    'Wer den Link öffnet oder den Code scannt, bekommt das ausgefüllte Formular, um dich zu bezahlen. Bezahlt wird erst nach der Bestätigung.',
  qrCode: 'QR-Code deines Zahlungslinks',
  noCodeYet: 'Der Code erscheint, sobald der Betrag stimmt.',
  tooLong: 'Der Link ist zu lang für einen QR-Code, funktioniert aber so, wie er ist.',
  noCode: 'Der Code lässt sich gerade nicht zeichnen. Der Link funktioniert trotzdem.',
  note: 'Notiz',
  optional: '(optional)',
  whatFor: 'Wofür ist es?',
  copyLink: 'Link kopieren',
  copied: 'Kopiert',
  share: 'Teilen',
  linkCopied: 'Link kopiert',
  payMe: 'Bezahl mich mit StreamPay',
  download: 'Bild herunterladen',
  cantBeUsed: 'Dieser Link ist nicht brauchbar',
  wrongAmount:
    'Sein Betrag lässt sich nicht bezahlen. Bitte um einen anderen Link, oder füll das Formular selbst aus. Es wurde nichts bezahlt.',
  wrongNote:
    'Seine Notiz ist länger, als sie bei einer Zahlung sein kann. Bitte um einen anderen Link, oder füll das Formular selbst aus. Es wurde nichts bezahlt.',
  isYourOwn: 'Das ist dein eigener Zahlungslink',
  isForOthers: 'Er ist für andere: Wer ihn öffnet, bekommt das ausgefüllte Formular, um dich zu bezahlen.',
}
