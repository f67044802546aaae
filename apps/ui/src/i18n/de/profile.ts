import type { profile as english } from '../en/profile.ts'

export const profile: Record<keyof typeof english, string> = {
  loading: 'Dein Profil wird geladen',
  cantLoad: 'Dein Profil lässt sich nicht laden',
  changedElsewhere: 'Anderswo geändert',
  changedElsewhereDetail:
    'Dein Profil wurde auf einer anderen Seite oder einem anderen Gerät geändert, seit du es hier geöffnet hast.',
  showThatVersion: 'Diese Fassung zeigen',
  saveMine: 'Meine trotzdem speichern',
  save: 'Speichern',
  saved: 'Gespeichert.',
  accountId: 'Konto-ID',
  theAccountId: 'Konto-ID',
  whoSees: 'Wer sieht, was du tust',
  whoSeesDetail:
    'Neue Zahlungen und Anforderungen beginnen damit; in jedem Formular kannst du neu wählen. Nur du siehst diese Einstellung.',
  thisSetting: 'diese Einstellung',
  loadingSetting: 'Diese Einstellung wird geladen',
  language: 'Sprache',
  browserLanguage: 'Wie im Browser',
  languageDetail: 'Auch Beträge, Zahlen und Zeiten richten sich danach. Die Seite wird neu geladen.',
  cantKeepLanguage: 'Diese Wahl lässt sich nicht speichern',
  cantKeepLanguageDetail:
    'In diesem Browser darf StreamPay nichts speichern. Deshalb bleibt die Sprache die des Browsers.',
  listFavourites: 'Favoriten',
  favourites: 'Favoriten',
  noFavourites:
    'Du hast noch keine Favoriten. Wähle beim Bezahlen oder Anfordern eine Person und drück auf den Stern neben dem Namen. Nur du siehst deine Favoriten.',
  favourite: 'Favorit: {name}',
  addingFavourite: 'Neuer Favorit: {name}',
  removingFavourite: 'Kein Favorit mehr: {name}',
  removingFavouriteOf: 'Kein Favorit mehr:',
  remove: 'Entfernen',
  pay: 'Bezahlen',
  payPerson: '{name} bezahlen',
  listBlocked: 'Blockierte Personen',
  blocked: 'Blockierte Personen',
  noneBlocked:
    'Du hast niemanden blockiert. Wer dir keine Anforderungen schicken soll, lässt sich bei einer Anforderung blockieren.',
  unblock: 'Freigeben',
  unblockingOf: 'Nicht mehr blockiert:',
  share: 'Teilen',
  addressCopied: 'Adresse kopiert',
  print: 'Drucken',
  followIt: 'Durch das Log verfolgen',
}
