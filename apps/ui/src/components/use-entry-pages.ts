import { ref, shallowRef } from 'vue'
import { http } from '../api/client.ts'
import { type Words, wordsOf } from '../api/problems.ts'
import type { Entry, EntryPage } from '../api/types.ts'
import { useWallet } from '../stores/wallet.ts'

const pageSize = 100
/** A search reads on by itself, but not for ever. */
const maxPagesAtOnce = 10

/** Older entries of the statement, page by page, into the same list that new ones arrive in. */
export function useEntryPages() {
  const wallet = useWallet()
  const isLoading = ref(false)
  const fault = shallowRef<Words | undefined>()
  const hasMore = ref(true)
  let before: string | null = null

  /** Reads the next page; on while `isEnough` says no, up to ten pages. */
  async function loadOlder(isEnough: (found: readonly Entry[]) => boolean = () => true): Promise<void> {
    if (isLoading.value || !hasMore.value || wallet.isFull) return
    isLoading.value = true
    fault.value = undefined
    try {
      for (let page = 0; page < maxPagesAtOnce && hasMore.value && !wallet.isFull; page += 1) {
        if (isEnough(await loadPage())) break
      }
    } catch (error) {
      fault.value = wordsOf(error)
    } finally {
      isLoading.value = false
    }
  }

  async function loadPage(): Promise<readonly Entry[]> {
    const cursor = before === null ? '' : `&before=${encodeURIComponent(before)}`
    const page = await http.getJson<EntryPage>(`/transactions?limit=${pageSize}${cursor}`)
    wallet.entriesView.add(page.items)
    before = page.before
    hasMore.value = page.before !== null
    return page.items
  }

  return { isLoading, fault, hasMore, loadOlder }
}
