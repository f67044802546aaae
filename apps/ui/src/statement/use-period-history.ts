import { computed, onScopeDispose, type Ref, ref, shallowRef, watch } from 'vue'
import { http } from '../api/client.ts'
import { getList } from '../api/lists.ts'
import type { BalanceHistory } from '../api/types.ts'
import { useFigures } from '../stores/figures.ts'
import { boundsOf, type Period, timesOf } from './period.ts'
import { retryWhenLive } from './retry-when-live.ts'

const pageSize = 1_000
const maxRows = 20_000

/** The balance after each movement of a period, oldest first: the newest thousand at first, older ones on request. */
export function usePeriodHistory(period: Ref<Period | undefined>) {
  const figures = useFigures()
  const fetched = shallowRef<readonly BalanceHistory[]>([])
  const isLoading = ref(false)
  const hasFailed = ref(false)
  let next: string | undefined
  let current = new AbortController()

  function restart() {
    current.abort()
    current = new AbortController()
    fetched.value = []
    next = period.value && `/balance-histories?last=${pageSize}&${timesOf(period.value)}`
    isLoading.value = false
    hasFailed.value = false
    void loadOlder()
  }

  async function loadOlder(): Promise<void> {
    const { signal } = current
    if (isLoading.value || next === undefined || fetched.value.length >= maxRows) return
    isLoading.value = true
    hasFailed.value = false
    try {
      const part = await getList<BalanceHistory>(http, next, { signal })
      if (signal.aborted) return
      fetched.value = [...part.items, ...fetched.value]
      next = part.next
    } catch {
      // The problem is shown in place of the list, with a button to try again.
      if (!signal.aborted) hasFailed.value = true
    } finally {
      if (!signal.aborted) isLoading.value = false
    }
  }

  /** Reads back to a moment, if that is not read yet. */
  function reach(at: number): void {
    if ((fetched.value[0]?.at ?? Number.NEGATIVE_INFINITY) > at) void loadOlder()
  }

  const rows = computed(() => {
    if (period.value === undefined) return []
    const { start, end } = boundsOf(period.value)
    const last = fetched.value.at(-1)?.sequence ?? 0
    const arrived = figures.history.filter(({ at, sequence }) => at >= start && at < end && sequence > last)
    return arrived.length === 0 ? fetched.value : [...fetched.value, ...arrived]
  })

  watch(period, restart, { immediate: true })
  retryWhenLive(
    () => hasFailed.value,
    () => void loadOlder(),
  )
  onScopeDispose(() => current.abort())

  return { rows, isLoading, hasFailed, reach, loadOlder }
}
