import { defineStore } from 'pinia'
import { computed, markRaw } from 'vue'
import type { AverageTransactions, BalanceHistory, TotalTransactions } from '../api/types.ts'
import { createLiveView } from '../live/live-view.ts'

const only = { key: [], compare: () => 0, maxItems: 1 }
// The most that a view gives as history at once; new points replace the oldest.
const maxPoints = 1_000

/** The figures of the statement: my balance over time, and the totals of all of StreamPay. */
export const useFigures = defineStore('figures', () => {
  const historyView = markRaw(
    createLiveView<BalanceHistory>({
      url: `/balance-histories?last=${maxPoints}`,
      scope: 'read:balances',
      key: ['sequence'],
      compare: (left, right) => right.sequence - left.sequence,
      maxItems: maxPoints,
    }),
  )
  const totalView = markRaw(
    createLiveView<TotalTransactions>({ url: '/total-transactions', scope: 'read:total-transactions', ...only }),
  )
  const averageView = markRaw(
    createLiveView<AverageTransactions>({
      url: '/average-transactions',
      scope: 'read:average-transactions',
      ...only,
    }),
  )

  /** Oldest first. */
  const history = computed(() => [...historyView.items.value].reverse())
  const total = computed(() => totalView.items.value[0])
  const average = computed(() => averageView.items.value[0])

  return { historyView, totalView, averageView, history, total, average }
})
