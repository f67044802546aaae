import type { requests as english } from '../en/requests.ts'

export const requests: Record<keyof typeof english, string> = {
  asked: '{name} fordert {amount} von dir an',
  quoted: '„{note}“',
  account: 'Konto',
  thisRequestOf: ': diese Anforderung von {name}',
  remindedYou: 'Hat dich erinnert: {time}',
  notCovered: 'Dein Kontostand reicht dafür noch nicht.',
  notStreamPay: 'Das ist nicht StreamPay. StreamPay bittet nie um Geld.',
  similarName: 'Eine andere Person, die du kennst, hat einen ähnlichen Namen. Vergleiche das Konto.',
  pay: '{amount} bezahlen',
  payTo: '{amount} an {name} bezahlen',
  decline: 'Ablehnen',
  declineOf: 'Anforderung von {name} über {amount} ablehnen',
  declining: 'Anforderung von {name} über {amount} ablehnen',
  declineThis: 'Diese Anforderung ablehnen?',
  declineDetail: '{name} sieht dann, dass du {amount} nicht bezahlen willst.',
  block: 'Blockieren',
  blockPerson: '{name} blockieren',
  blocking: '{name} blockieren',
  blockThis: 'Diese Person blockieren?',
  blockDetail:
    '{name} kann dann kein Geld mehr von dir anfordern. Diese Anforderung bleibt, bis du sie bezahlst oder ablehnst. Auf deiner Profilseite kannst du Personen wieder freigeben.',
  dontBlock: 'Nicht blockieren',
}
