import { type HttpClient, ProblemError } from '../api/http.ts'
import type { Entry, EntryPage } from '../api/types.ts'

export type ReadStatementOptions = {
  readonly http: Pick<HttpClient, 'getJson'>
  readonly wait: (ms: number) => Promise<void>
}

const pageSize = 1_000
export const maxStatementEntries = 200_000
const maxPauses = 20
const maxPauseMs = 60_000

/** More entries than a browser should hold at once. */
export class StatementTooLongError extends Error {
  readonly code = 'statement-too-long'
  constructor() {
    super(`the statement has more than ${maxStatementEntries} entries`)
    this.name = 'StatementTooLongError'
  }
}

/**
 * Every entry of the account, oldest first, read page by page; waits when it is told to go slower.
 * @throws ProblemError, UnreachableError, StatementTooLongError
 */
export async function readStatement({ http, wait }: ReadStatementOptions): Promise<readonly Entry[]> {
  const newestFirst: Entry[] = []
  let before: string | null = null
  let pauses = 0
  while (true) {
    const cursor: string = before === null ? '' : `&before=${encodeURIComponent(before)}`
    try {
      const page: EntryPage = await http.getJson<EntryPage>(`/transactions?limit=${pageSize}${cursor}`)
      newestFirst.push(...page.items)
      if (newestFirst.length > maxStatementEntries) throw new StatementTooLongError()
      if (page.before === null) return newestFirst.reverse()
      before = page.before
    } catch (error) {
      const pauseMs = error instanceof ProblemError ? error.retryAfterMs : undefined
      if (pauseMs === undefined || pauseMs > maxPauseMs || pauses >= maxPauses) throw error
      pauses += 1
      await wait(pauseMs)
    }
  }
}
