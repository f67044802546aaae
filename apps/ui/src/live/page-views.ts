import { watch } from 'vue'
import { identity, sessionState, tokenSource } from '../session/session.ts'
import { trackStream } from './connection.ts'
import { canReach } from './hub/can-reach.ts'
import { ownConnection, sharedConnection } from './hub-connections.ts'
import { LiveClient } from './live-client.ts'
import { pageVisibility } from './visibility.ts'

const tracked = trackStream(() => pageViews.reconnect())

/** The live views of this page. */
export const pageViews = new LiveClient({
  openShared: (onLost) => sharedConnection(identity.value?.id, onLost),
  openOwn: ownConnection,
  canReach,
  tokens: tokenSource,
  visibility: pageVisibility,
  onState: (state, fault) => tracked.report(state, fault),
})

watch(sessionState, (next, before) => {
  // Signed in again, here or in another tab: the views that ended with the session connect again.
  if (next === 'signedIn' && before === 'lapsed') pageViews.reconnect()
  if (next === 'signedOut') pageViews.leave()
})

// A page that the browser keeps for Back and Forward receives nothing meanwhile.
window.addEventListener('pagehide', () => pageViews.leave())
window.addEventListener('pageshow', ({ persisted }) => persisted && pageViews.comeBack())
