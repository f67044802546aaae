import { defineStore } from 'pinia'
import { computed } from 'vue'
import type { FavouritePerson } from '../api/types.ts'
import { createListView } from './listed-people.ts'

/** As many as a view gives at once: more than the ledger allows, unless it is configured otherwise. */
const most = 1_000

/** My favourites, whom the pages offer first. */
export const useFavourites = defineStore('favourites', () => {
  const view = createListView<FavouritePerson>({ path: '/favourite-people', scope: 'read:users', most })
  const items = computed(() => view.items.value)
  const ids = computed<ReadonlySet<string>>(() => new Set(items.value.map(({ favourite }) => favourite)))
  return { view, items, ids }
})
