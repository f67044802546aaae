import { computed, ref, shallowRef } from 'vue'
import { tokenSource } from '../session/session.ts'
import { trackStream } from './connection.ts'
import { type LiveStream, openStream, type StreamState } from './live-stream.ts'
import { type MergeRules, merge, without } from './merge.ts'

export type LiveViewOptions<Item> = MergeRules<Item> & {
  readonly url: () => string
  /** Makes what others wrote fit to be shown, before anything else sees it. */
  readonly tidy?: (item: Item) => Item
}

/** Why there is nothing to show: it isn't allowed, or it couldn't be had so far. */
export type Trouble = 'refused' | 'failed'

/**
 * A list of the gateway's, kept live while somebody looks at it: the first to `open` it connects, the last to `close` it
 * disconnects. What was shown stays until the next connection brings it up to date.
 */
export function createLiveView<Item>(options: LiveViewOptions<Item>) {
  const tidied = (arrived: readonly Item[]) => (options.tidy === undefined ? arrived : arrived.map(options.tidy))
  const items = shallowRef<readonly Item[]>([])
  const state = ref<StreamState>('connecting')
  const settled = ref(false)
  let viewers = 0
  let stream: LiveStream | undefined
  let tracked: ReturnType<typeof trackStream> | undefined

  function open() {
    viewers += 1
    if (viewers === 1) connect()
  }

  function connect() {
    settled.value = false
    state.value = 'connecting'
    const tracking = trackStream(() => stream?.reconnect())
    tracked = tracking
    stream = openStream({
      url: options.url(),
      tokens: tokenSource,
      onRecords(records) {
        items.value = merge(items.value, tidied(records as readonly Item[]), options)
      },
      onDelete(key) {
        items.value = without(items.value, key, options)
      },
      onReset() {
        items.value = []
      },
      onSettled() {
        settled.value = true
      },
      onState(next) {
        state.value = next
        tracking.report(next)
      },
    })
  }

  function close() {
    viewers = Math.max(0, viewers - 1)
    if (viewers > 0) return
    stream?.close()
    tracked?.forget()
    stream = undefined
  }

  /** Adds items that came another way (a page of history, say), under the same rules. */
  function add(more: readonly Item[]) {
    items.value = merge(items.value, tidied(more), options)
  }

  function clear() {
    items.value = []
    settled.value = false
  }

  /** Asks again at once, where the stream would only after a while. */
  function retry() {
    stream?.retry()
  }

  // What was shown before stays in sight while the connection is down; the banner tells that it may be out of date.
  const trouble = computed<Trouble | undefined>(() => {
    if (items.value.length > 0) return undefined
    if (state.value === 'refused') return 'refused'
    return state.value === 'reconnecting' && !settled.value ? 'failed' : undefined
  })
  const isLoading = computed(() => items.value.length === 0 && !settled.value && trouble.value === undefined)
  const isEmpty = computed(() => items.value.length === 0 && settled.value)

  return { items, state, trouble, isLoading, isEmpty, open, close, add, clear, retry }
}
