import { computed, reactive, ref } from 'vue'
import type { StreamFault, StreamState } from './event-connection.ts'

/**
 * The state of all live connections, for the one banner that shows it: offline, reconnecting, too many streams, or live. A stream that
 * reconnects within a moment isn't reported.
 */
const graceMs = 1_500

const streams = reactive(new Map<symbol, { readonly state: StreamState; readonly fault: StreamFault | undefined }>())
const online = ref(navigator.onLine)
const troubled = ref(false)
const listeners = new Set<() => void>()
let graceTimer: ReturnType<typeof setTimeout> | undefined

window.addEventListener('online', () => {
  online.value = true
  for (const reconnect of listeners) reconnect()
})
window.addEventListener('offline', () => {
  online.value = false
})

/** Tracks one stream: report its states, and be told when the network is back. */
export function trackStream(reconnect: () => void) {
  const id = Symbol('stream')
  listeners.add(reconnect)
  return {
    report(state: StreamState, fault?: StreamFault) {
      if (state === 'closed') streams.delete(id)
      else streams.set(id, { state, fault })
      watchTrouble()
    },
    forget() {
      listeners.delete(reconnect)
      streams.delete(id)
      watchTrouble()
    },
  }
}

function watchTrouble() {
  const isReconnecting = [...streams.values()].some(({ state }) => state === 'reconnecting')
  if (!isReconnecting) {
    clearTimeout(graceTimer)
    graceTimer = undefined
    troubled.value = false
    return
  }
  graceTimer ??= setTimeout(() => {
    troubled.value = true
  }, graceMs)
}

export type ConnectionState = 'online' | 'offline' | 'reconnecting'

export const connection = computed<ConnectionState>(() => {
  if (!online.value) return 'offline'
  return troubled.value ? 'reconnecting' : 'online'
})

/** The pause that the gateway asked for because of too many streams, if that is why nothing is live. */
export const crowdedForMs = computed<number | undefined>(() => {
  const pauses = [...streams.values()].map(({ fault }) => (fault?.kind === 'tooMany' ? fault.retryAfterMs : 0))
  const longest = Math.max(0, ...pauses)
  return longest > 0 ? longest : undefined
})
