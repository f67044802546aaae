import { computed, reactive, ref } from 'vue'
import type { StreamState } from './live-stream.ts'

/**
 * The state of everything live, for the one banner that tells it: offline, reconnecting or fine. A stream that
 * reconnects within a moment isn't worth a word.
 */
const graceMs = 1_500

const streams = reactive(new Map<symbol, StreamState>())
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
    report(state: StreamState) {
      if (state === 'closed') streams.delete(id)
      else streams.set(id, state)
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
  const isReconnecting = [...streams.values()].includes('reconnecting')
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
