import { type EntrySearch, entryMatches } from '@streampay/domain'
import { computed, onScopeDispose, type Ref, ref, shallowRef, watch } from 'vue'
import { http } from '../api/client.ts'
import { type Words, wordsOf } from '../api/problems.ts'
import type { Entry, EntryPage } from '../api/types.ts'
import { now } from '../app/clock.ts'
import { usePeople } from '../stores/people.ts'
import { withVisibleNotes } from '../stores/visible-notes.ts'
import { useWallet } from '../stores/wallet.ts'
import { boundsOf, type Period, timesOf } from './period.ts'
import { retryWhenLive } from './retry-when-live.ts'

const pageSize = 100
/** A search reads more pages by itself, but not without a limit: each answer looks at a thousand entries. */
const maxPagesAtOnce = 10
const enoughAtOnce = 25
/** More entries than a person scrolls through. */
const maxEntries = 20_000

/**
 * The entries of a period that match a search, newest first. The gateway searches, one page after the other; entries that arrive meanwhile
 * are put on top, by the same rules.
 */
export function usePeriodEntries(period: Ref<Period | undefined>, search: Ref<EntrySearch>) {
  const wallet = useWallet()
  const fetched = shallowRef<readonly Entry[]>([])
  const isLoading = ref(false)
  const isLoaded = ref(false)
  const hasMore = ref(true)
  const fault = shallowRef<Words | undefined>()
  let before: string | null = null
  /** When the search began, in ms: older entries come with the pages. */
  const startedAt = ref(0)
  let current = new AbortController()

  function restart() {
    current.abort()
    current = new AbortController()
    fetched.value = []
    before = null
    startedAt.value = now()
    hasMore.value = true
    isLoaded.value = false
    isLoading.value = false
    fault.value = undefined
    if (period.value !== undefined) void loadOlder()
  }

  /** Reads on until there is one more screen of entries, up to ten answers. */
  async function loadOlder(): Promise<void> {
    const { signal } = current
    if (isLoading.value || !hasMore.value || period.value === undefined) return
    isLoading.value = true
    fault.value = undefined
    const wanted = fetched.value.length + enoughAtOnce
    try {
      for (let page = 0; page < maxPagesAtOnce && hasMore.value && fetched.value.length < wanted; page += 1) {
        const read = await http.getJson<EntryPage>(pathOf(period.value), { signal })
        if (signal.aborted) return
        fetched.value = [...fetched.value, ...read.items.map(withVisibleNotes)]
        before = read.before
        hasMore.value = before !== null && fetched.value.length < maxEntries
        isLoaded.value = true
      }
    } catch (error) {
      if (!signal.aborted) fault.value = wordsOf(error)
    } finally {
      if (!signal.aborted) isLoading.value = false
    }
  }

  function pathOf(asked: Period): string {
    const query = new URLSearchParams({ limit: `${pageSize}` })
    const { text = '', direction } = search.value
    if (text.trim() !== '') query.set('search', text.trim())
    if (direction !== undefined) query.set('direction', direction)
    if (before !== null) query.set('before', before)
    return `/transactions?${query}&${timesOf(asked)}`
  }

  const arrived = useArrived({ period, search, fetched, isLoaded, hasMore, startedAt })
  const entries = computed(() => (arrived.value.length === 0 ? fetched.value : [...arrived.value, ...fetched.value]))

  watch([period, search], restart, { immediate: true })
  // If a live list has none of its earlier entries, it began anew, and may lack entries in between.
  watch(
    () => wallet.entries,
    (list, previous) => {
      const ids = new Set(list.map(({ transferId }) => transferId))
      if (list.length > 0 && previous.length > 0 && !previous.some(({ transferId }) => ids.has(transferId))) restart()
    },
  )
  retryWhenLive(
    () => fault.value !== undefined,
    () => void loadOlder(),
  )
  onScopeDispose(() => current.abort())

  const isFull = computed(() => fetched.value.length >= maxEntries)
  return { entries, arrived, fetched, isLoading, isLoaded, hasMore, isFull, fault, loadOlder, restart }
}

type Read = {
  readonly period: Ref<Period | undefined>
  readonly search: Ref<EntrySearch>
  readonly fetched: Ref<readonly Entry[]>
  readonly isLoaded: Ref<boolean>
  readonly hasMore: Ref<boolean>
  readonly startedAt: Ref<number>
}

/** The entries of the live list that were not there yet when the page was read. */
function useArrived({ period, search, fetched, isLoaded, hasMore, startedAt }: Read) {
  const wallet = useWallet()
  const people = usePeople()
  const known = computed(() => new Set(fetched.value.map(({ transferId }) => transferId)))
  /** After the oldest entry that was read there are more, and those that the live list has of them follow in their order. */
  const readFrom = computed(() => {
    if (!hasMore.value) return Number.NEGATIVE_INFINITY
    return fetched.value.at(-1)?.at ?? startedAt.value
  })
  return computed(() => {
    if (period.value === undefined || !isLoaded.value) return []
    const bounds = boundsOf(period.value)
    const [start, end] = [Math.max(bounds.start, readFrom.value), bounds.end]
    return wallet.entries.filter((entry) => {
      const { transferId, counterparty, at } = entry
      if (at < start || at >= end || known.value.has(transferId)) return false
      return entryMatches(entry, search.value, [people.nameOf(counterparty), people.find(counterparty)?.username ?? ''])
    })
  })
}
