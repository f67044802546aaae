import type { UserPage } from '../api/types.ts'

/** What one search asks for at most; the text can be made longer after that. */
const mostPages = 10

/**
 * The first page of a search that has somebody on it. The gateway goes through a bounded number of names for a page, so that one
 * may be empty although more is behind it.
 */
export async function firstFound(read: (cursor: string | undefined) => Promise<UserPage>): Promise<UserPage> {
  let page = await read(undefined)
  for (let pages = 1; pages < mostPages && page.items.length === 0 && page.next !== undefined; pages++) {
    page = await read(page.next)
  }
  return page
}
