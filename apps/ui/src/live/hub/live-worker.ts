/** The shared worker: a hub for the tabs of one person. It ends with the last of them. */
import { newKey, random } from '../../app/clock.ts'
import { canReach } from './can-reach.ts'
import type { Port, ToHub, ToTab } from './conversation.ts'
import { holdLock } from './hold-lock.ts'
import { LiveHub } from './live-hub.ts'

const scope = globalThis as unknown as { onconnect: (event: MessageEvent) => void }
const hub = new LiveHub({
  random,
  canReach,
  whenFree: (lock, then) => void navigator.locks.request(lock, then),
})
const held = holdLock(`streampay.live-worker.${newKey()}`)

scope.onconnect = async ({ ports: [port] }) => {
  const { name } = await held
  if (port === undefined) return
  hub.join(port as unknown as Port<ToHub, ToTab>)
  port.postMessage({ lock: name })
}
