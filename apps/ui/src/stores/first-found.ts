import type { UserPage } from '../api/types.ts'

/** The most pages that one search requests; the person can type more letters after that. */
const mostPages = 10

/**
 * The first page of a search that has a person on it. The gateway compares a bounded number of names for a page, so a page may be empty
 * although more people follow.
 */
export async function firstFound(read: (cursor: string | undefined) => Promise<UserPage>): Promise<UserPage> {
  let page = await read(undefined)
  for (let pages = 1; pages < mostPages && page.items.length === 0 && page.next !== undefined; pages++) {
    page = await read(page.next)
  }
  return page
}
