import { defineStore } from 'pinia'
import { computed } from 'vue'
import type { BlockedPerson } from '../api/types.ts'
import { createListView } from './listed-people.ts'

/** As many as a view gives at once, and as many as the ledger lets a person block. */
const most = 1_000

/** The people whose requests I don't want. */
export const useBlocked = defineStore('blocked', () => {
  const view = createListView<BlockedPerson>({ path: '/blocked-people', scope: 'read:payment-requests', most })
  const items = computed(() => view.items.value)
  return { view, items }
})
