import { watch } from 'vue'
import { random } from '../app/clock.ts'
import { sessionState, tokenSource } from '../session/session.ts'
import { trackStream } from './connection.ts'
import { LiveHub } from './live-hub.ts'

const tracked = trackStream(() => liveHub.reconnect())

/** The one connection of this page. */
export const liveHub = new LiveHub({
  tokens: tokenSource,
  random,
  onState: (state, fault) => tracked.report(state, fault),
})

// Signed in again, here or in another tab: what had ended with the session goes on.
watch(sessionState, (next, before) => {
  if (next === 'signedIn' && before === 'lapsed') liveHub.reconnect()
})
