import { defineStore } from 'pinia'
import { computed, markRaw } from 'vue'
import type { Balance, Entry } from '../api/types.ts'
import { createLiveView } from '../live/live-view.ts'
import { withVisibleNotes } from './visible-notes.ts'

const recentEntries = 50
/** Entries that are kept while the page is open: more than a person looks through. */
const maxEntries = 5_000

/** My money: the balance and the entries of my account, live. */
export const useWallet = defineStore('wallet', () => {
  const balanceView = markRaw(
    createLiveView<Balance>({
      url: '/current-balance',
      scope: 'read:balances',
      key: ['account'],
      compare: (left, right) => right.sequence - left.sequence,
      maxItems: 1,
    }),
  )
  const entriesView = markRaw(
    createLiveView<Entry>({
      url: `/transactions?last=${recentEntries}`,
      scope: 'read:balances',
      key: ['transferId'],
      compare: newestEntryFirst,
      maxItems: maxEntries,
      tidy: withVisibleNotes,
    }),
  )

  /** In cents; undefined until it is known. */
  const balance = computed(() => balanceView.items.value[0]?.balance)
  const entries = computed(() => entriesView.items.value)

  /** The sequence number of my account's last movement; 0 while it is unknown. */
  const sequence = computed(() => balanceView.items.value[0]?.sequence ?? 0)

  return { balanceView, entriesView, balance, entries, sequence }
})

function newestEntryFirst(left: Entry, right: Entry): number {
  return right.at - left.at || right.commandOffset - left.commandOffset || (left.transferId < right.transferId ? 1 : -1)
}
