/** Texts of the landing page, of the return from the issuer, and of the first sign-in. */
export const landing = {
  payPeople: 'Pay people.',
  watchItArrive: 'Watch it arrive.',
  whatItIs: 'Send money, ask for it, and see every movement live, on a ledger that keeps each cent in its place.',
  followedPayLink:
    'You followed a pay link. Sign in to see whom it pays and how much; nothing is paid before you confirm it.',
  noPassword: 'You sign in with your identity provider. StreamPay never sees a password.',
  nobodyAnswers: 'StreamPay or the identity provider doesn’t answer. Try again in a moment.',
  eventLog: 'Powered by an event log: every balance is the sum of what happened.',
  whatToExpect: 'What to expect',
  live: 'Live, to the cent',
  liveDetail: 'Balances and requests change on every screen the moment they happen.',
  once: 'Exactly once',
  onceDetail: 'A payment that is sent twice by mistake still happens once.',
  open: 'Nothing hidden',
  openDetail: 'Every movement stands on a ledger that you can read and take with you.',
  signingYouIn: 'Signing you in…',
  signInUnfinished: 'Sign-in didn’t finish',
  signInUnfinishedDetail: 'It took too long, was interrupted, or was refused. Nothing has changed.',
  backToStart: 'Back to the start',
  welcome: 'Welcome to StreamPay',
  whatIsPublished:
    'Others find and pay you by a name and a username. Both are seen by everybody at StreamPay, so nothing is published before you say so. You can change them later.',
  publish: 'Publish and open my account',
} as const
