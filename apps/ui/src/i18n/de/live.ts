import type { live as english } from '../en/live.ts'

export const live: Record<keyof typeof english, string> = {
  sessionEnded: 'Deine Sitzung ist zu Ende. Was du siehst, kann veraltet sein.',
  offlineNow: 'Du bist offline. Was du siehst, kann veraltet sein.',
  reconnecting: 'Verbindung wird wiederhergestellt … Was du siehst, kann veraltet sein.',
  crowded:
    'Du hast mehr Seiten von StreamPay offen, als gleichzeitig live sein dürfen. Schließ eine, die du nicht brauchst. Diese hier versucht es um {time} wieder.',
  signedOut: 'Abgemeldet',
  signInToSee: 'Deine Sitzung ist zu Ende. Melde dich wieder an, um das zu sehen: {what}.',
  notLoadedYet: 'Noch nicht geladen: {what}',
  goesOnSoon: 'Das geht gleich von selbst weiter.',
  notAllowed: 'Nicht erlaubt',
  lacksPermission: 'Deiner Anmeldung fehlt die Berechtigung, das zu sehen: {what}.',
  youAreOffline: 'Du bist offline',
  showsOnceOnline: 'Sobald du wieder online bist, erscheint hier: {what}.',
  notLoaded: 'Laden nicht möglich: {what}',
  noAnswer: 'StreamPay antwortet nicht so, wie es soll. Sobald es das tut, geht es hier von selbst weiter.',
  tryAgainToLoad: 'Erneut versuchen: {what}',
  loadingList: 'Wird geladen: {what}',
  loadingBalanceOverTime: 'Dein Kontostand im Lauf der Zeit wird geladen',
  live: 'Live',
  notLive: 'Nicht live',
  paused: 'Angehalten',
  pausedWaiting: 'Angehalten, {count} neu',
  pause: 'Anhalten',
  resume: 'Weiter',
}
