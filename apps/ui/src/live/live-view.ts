import type { Scope } from '@streampay/domain'
import { computed, readonly, ref, shallowRef } from 'vue'
import type { StreamFault, StreamState } from './event-connection.ts'
import { keyOf } from './hub/record-key.ts'
import type { LiveHandle } from './live-client.ts'
import { type MergeRules, merge, without } from './merge.ts'
import { pageViews } from './page-views.ts'

export type LiveViewOptions<Item> = Omit<MergeRules<Item>, 'keyOf'> & {
  readonly url: string
  readonly scope: Scope
  /** The members that together name an item: each name is in the list once. */
  readonly key: readonly (keyof Item & string)[]
  /** Whether every record is needed after the page was hidden for a while; by default true. */
  readonly resumes?: boolean
  /** Makes texts that other people wrote safe to show, before any other code sees them. */
  readonly tidy?: (item: Item) => Item
}

/** Why the view shows nothing. */
export type Trouble = 'refused' | 'lapsed' | 'tooMany' | 'failed'

/**
 * A list of the gateway, kept live while it is shown: the first `open` connects it, the last `close` disconnects it. The items shown before
 * stay until the next connection has delivered all items, which then replace them at once.
 */
export function createLiveView<Item extends object>(options: LiveViewOptions<Item>) {
  const rules: MergeRules<Item> = { ...options, keyOf: (item) => keyOf(item, options.key) }
  const tidied = (arrived: readonly Item[]) => (options.tidy === undefined ? arrived : arrived.map(options.tidy))
  const items = shallowRef<readonly Item[]>([])
  const state = ref<StreamState>('connecting')
  const fault = shallowRef<StreamFault | undefined>()
  const settled = ref(false)
  let viewers = 0
  let handle: LiveHandle | undefined
  /** Items that arrived since the view began anew; undefined once they are shown. */
  let fresh: readonly Item[] | undefined

  function open() {
    viewers += 1
    if (viewers > 1) return
    settled.value = false
    state.value = 'connecting'
    beginAnew()
    handle = pageViews.open({
      url: options.url,
      scope: options.scope,
      key: options.key,
      resumes: options.resumes ?? true,
      onRecords: (records) => change((list) => merge(list, tidied(records as readonly Item[]), rules)),
      onDelete: (key) => change((list) => without(list, key, rules)),
      onRestart: beginAnew,
      onSettled() {
        if (fresh !== undefined) items.value = fresh
        fresh = undefined
        settled.value = true
      },
      onState(next, why) {
        state.value = next
        fault.value = why
      },
    })
  }

  function beginAnew() {
    fresh = []
  }

  function change(update: (list: readonly Item[]) => readonly Item[]) {
    if (fresh === undefined) items.value = update(items.value)
    else fresh = update(fresh)
    // If no items are shown yet, history is shown as it arrives.
    if (fresh !== undefined && !settled.value && items.value.length <= fresh.length) items.value = fresh
  }

  function close() {
    viewers = Math.max(0, viewers - 1)
    if (viewers > 0) return
    handle?.close()
    handle = undefined
  }

  /** Adds items that came in another way (as in the answer to a change), under the same rules. */
  function add(more: readonly Item[]) {
    const update = (list: readonly Item[]) => merge(list, tidied(more), rules)
    items.value = update(items.value)
    if (fresh !== undefined) fresh = update(fresh)
  }

  /** Connects again at once, where the stream would wait a while. */
  function retry() {
    handle?.retry()
  }

  // The items shown before stay visible while the connection is down; the banner says that they may be out of date.
  const trouble = computed<Trouble | undefined>(() => {
    if (items.value.length > 0) return undefined
    if (fault.value?.kind === 'session') return 'lapsed'
    if (state.value === 'refused') return 'refused'
    if (state.value !== 'reconnecting' || settled.value) return undefined
    return fault.value?.kind === 'tooMany' ? 'tooMany' : 'failed'
  })
  const isLoading = computed(() => items.value.length === 0 && !settled.value && trouble.value === undefined)
  const isEmpty = computed(() => items.value.length === 0 && settled.value)

  return { items, state, trouble, isLoading, isEmpty, isSettled: readonly(settled), open, close, add, retry }
}
