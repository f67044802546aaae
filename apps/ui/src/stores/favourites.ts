import { defineStore } from 'pinia'
import { computed } from 'vue'
import type { FavouritePerson } from '../api/types.ts'
import { createListView } from './listed-people.ts'

/** As many as a view gives at once: more than the ledger takes, unless it was set so. */
const most = 1_000

/** People whom I want at hand. */
export const useFavourites = defineStore('favourites', () => {
  const view = createListView<FavouritePerson>({ path: '/favourite-people', scope: 'read:users', most })
  const items = computed(() => view.items.value)
  const ids = computed<ReadonlySet<string>>(() => new Set(items.value.map(({ favourite }) => favourite)))
  return { view, items, ids }
})
