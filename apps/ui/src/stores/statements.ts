import { defineStore } from 'pinia'
import { computed, markRaw } from 'vue'
import type { Statement } from '../api/types.ts'
import { createLiveView } from '../live/live-view.ts'

/** As many months as the gateway gives at once: 83 years. */
const maxMonths = 1_000

/** The sums of my entries, month by month. */
export const useStatements = defineStore('statements', () => {
  const view = markRaw(
    createLiveView<Statement>({
      url: '/statements',
      scope: 'read:balances',
      key: ['month'],
      compare: (left, right) => (left.month < right.month ? 1 : -1),
      maxItems: maxMonths,
    }),
  )
  /** The newest first; months without movements have no row. */
  const months = computed(() => view.items.value)
  /** The sequence number of the account's last movement that is counted in them. */
  const sequence = computed(() => months.value.reduce((most, month) => Math.max(most, month.sequence), 0))

  return { view, months, sequence }
})
