import type { landing as english } from '../en/landing.ts'

export const landing: Record<keyof typeof english, string> = {
  payPeople: 'Sende Geld.',
  watchItArrive: 'Sieh live zu.',
  whatItIs:
    'Bezahle andere, fordere Geld an und sieh jede Bewegung live, in einem Kontobuch, in dem jeder Cent an seinem Platz steht.',
  followedPayLink:
    'Du bist einem Zahlungslink gefolgt. Melde dich an, um zu sehen, wen er bezahlt und wie viel. Bezahlt wird erst, wenn du es bestätigst.',
  noPassword: 'Du meldest dich bei deinem Identitätsanbieter an. StreamPay sieht nie ein Passwort.',
  nobodyAnswers: 'StreamPay oder der Identitätsanbieter antwortet nicht. Versuch es gleich noch einmal.',
  eventLog: 'Beruht auf einem Log der Ereignisse: Jeder Kontostand ist die Summe dessen, was geschah.',
  whatToExpect: 'Was dich erwartet',
  live: 'Live, auf den Cent',
  liveDetail: 'Kontostände und Anforderungen ändern sich auf jedem Bildschirm im selben Moment.',
  once: 'Genau einmal',
  onceDetail: 'Eine Zahlung, die versehentlich zweimal gesendet wird, geschieht trotzdem nur einmal.',
  open: 'Nichts verborgen',
  openDetail: 'Jede Bewegung steht in einem Kontobuch, das du lesen und mitnehmen kannst.',
  signingYouIn: 'Du wirst angemeldet …',
  signInUnfinished: 'Anmeldung nicht abgeschlossen',
  signInUnfinishedDetail: 'Sie hat zu lange gedauert, wurde unterbrochen oder abgelehnt. Es hat sich nichts geändert.',
  backToStart: 'Zurück zum Anfang',
  welcome: 'Willkommen bei StreamPay',
  whatIsPublished:
    'Andere finden und bezahlen dich über einen Namen und einen Benutzernamen. Beide sind für alle bei StreamPay sichtbar. Deshalb wird nichts veröffentlicht, bevor du zustimmst. Du kannst beide später ändern.',
  publish: 'Veröffentlichen und Konto eröffnen',
}
