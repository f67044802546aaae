import { http } from '../api/client.ts'
import type { Entry, EntryPage } from '../api/types.ts'
import { withVisibleNotes } from './visible-notes.ts'
import { useWallet } from './wallet.ts'

/** The most pages that are searched for an entry whose time isn't known. */
const mostPages = 20
const pageSize = 1_000

/**
 * The entry of a transfer on my account: from the rows of the wallet, or from the ledger. With its time one page is enough.
 * @param at ms since the epoch, if it is known
 * @returns undefined if there is none, or none among the newest 20,000 where the time isn't known
 * @throws ProblemError, UnreachableError
 */
export async function findEntry(transferId: string, at: number | undefined): Promise<Entry | undefined> {
  const isIt = (entry: Entry) => entry.transferId === transferId
  const shown = useWallet().entries.find(isIt)
  if (shown !== undefined) return shown
  const time = at === undefined ? '' : `&from=${at}&to=${at + 1}`
  let cursor = ''
  for (let page = 0; page < mostPages; page += 1) {
    const { items, before } = await http.getJson<EntryPage>(`/transactions?limit=${pageSize}${time}${cursor}`)
    const found = items.find(isIt)
    if (found !== undefined) return withVisibleNotes(found)
    if (before === null) return undefined
    cursor = `&before=${encodeURIComponent(before)}`
  }
  return undefined
}
