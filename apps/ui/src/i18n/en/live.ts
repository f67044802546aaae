/**
 * Texts about the live connection: whether what is shown is live, and why it isn't. `{what}` is a list in words:
 * “requests to pay”.
 */
export const live = {
  sessionEnded: 'Your session has ended. What you see may be out of date.',
  offlineNow: 'You are offline. What you see may be out of date.',
  reconnecting: 'Reconnecting… What you see may be out of date.',
  crowded:
    'More pages of StreamPay are open for you than may be live at once. Close one that you don’t need; this one tries again at {time}.',
  signedOut: 'Signed out',
  signInToSee: 'Your session has ended. Sign in again to see {what}.',
  notLoadedYet: 'Can’t load {what} yet',
  goesOnSoon: 'This goes on by itself in a moment.',
  notAllowed: 'Not allowed',
  lacksPermission: 'Your sign-in doesn’t include the permission to see {what}.',
  youAreOffline: 'You are offline',
  showsOnceOnline: 'As soon as you are back, {what} will show up here.',
  notLoaded: 'Can’t load {what}',
  noAnswer: 'StreamPay doesn’t answer as it should. This goes on by itself once it does.',
  tryAgainToLoad: 'Try again to load {what}',
  loadingList: 'Loading {what}',
  loadingBalanceOverTime: 'Loading your balance over time',
  live: 'Live',
  notLive: 'Not live',
  paused: 'Paused',
  pausedWaiting: 'Paused, {count} waiting',
  pause: 'Pause',
  resume: 'Resume',
} as const
