import { defineStore } from 'pinia'
import { computed, markRaw } from 'vue'
import type { BlockedPerson } from '../api/types.ts'
import { createLiveView } from '../live/live-view.ts'

/** As many as the ledger lets anybody block. */
const maxBlocked = 1_000

/** Whose requests I don't want, live, the last one blocked first. */
export const useBlocked = defineStore('blocked', () => {
  const view = markRaw(
    createLiveView<BlockedPerson>({
      url: () => `/blocked-people?last=${maxBlocked}`,
      scope: 'read:payment-requests',
      keyOf: ({ id }) => id,
      compare: (left, right) => right.at - left.at || (left.id < right.id ? 1 : -1),
      maxItems: maxBlocked,
    }),
  )
  const items = computed(() => view.items.value)
  return { view, items }
})
