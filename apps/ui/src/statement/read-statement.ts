import { type HttpClient, ProblemError } from '../api/http.ts'
import type { Entry, EntryPage, Statement } from '../api/types.ts'
import { figuresOf, type Period, type PeriodFigures, timesOf } from './period.ts'

export type ReadStatementOptions = {
  readonly http: Pick<HttpClient, 'getJson'>
  readonly wait: (ms: number) => Promise<void>
  readonly period: Period
  readonly maxEntries?: number
  /** How many entries were read, and of how many. */
  readonly onProgress?: (read: number, all: number) => void
}

/** Entries of a period, oldest first, and the figures of exactly these. */
export type PeriodStatement = { readonly figures: PeriodFigures; readonly entries: readonly Entry[] }

const pageSize = 1_000
export const maxStatementEntries = 200_000
const maxPauses = 20
const maxPauseMs = 60_000
/** Entries are on the ledger a moment before they are counted in the figures. */
const maxAttempts = 5
const attemptPauseMs = 400

/** More entries than a browser should keep at once. */
export class StatementTooLongError extends Error {
  readonly code = 'statement-too-long'
  readonly maxEntries: number
  constructor(maxEntries: number) {
    super(`the statement has more than ${maxEntries} entries`)
    this.name = 'StatementTooLongError'
    this.maxEntries = maxEntries
  }
}

/** Entries came faster than they could be read, or the figures are being computed. */
export class StatementMovesError extends Error {
  readonly code = 'statement-moves'
}

/**
 * The statement of a period: figures and entries that agree.
 * @throws ProblemError, UnreachableError, StatementTooLongError, StatementMovesError
 */
export async function readStatement(options: ReadStatementOptions): Promise<PeriodStatement> {
  const { http, wait, period, maxEntries = maxStatementEntries } = options
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    if (attempt > 0) await wait(attemptPauseMs)
    const before = figuresOf(await http.getJson<Statement[]>('/statements'), period)
    const count = before.countIn + before.countOut
    if (count > maxEntries) throw new StatementTooLongError(maxEntries)
    const entries = await readEntries(options, count)
    const figures = figuresOf(await http.getJson<Statement[]>('/statements'), period)
    const sum = entries.reduce((total, { amount }) => total + amount, 0)
    const isSame = figures.countIn + figures.countOut === entries.length && figures.closing - figures.opening === sum
    if (isSame) return { figures, entries }
  }
  throw new StatementMovesError('the entries and the figures of the period did not come to agree')
}

async function readEntries(
  { http, wait, period, maxEntries = maxStatementEntries, onProgress }: ReadStatementOptions,
  count: number,
) {
  const newestFirst: Entry[] = []
  let before: string | null = null
  let pauses = 0
  onProgress?.(0, count)
  while (true) {
    const cursor: string = before === null ? '' : `&before=${encodeURIComponent(before)}`
    try {
      const page: EntryPage = await http.getJson<EntryPage>(
        `/transactions?limit=${pageSize}&${timesOf(period)}${cursor}`,
      )
      newestFirst.push(...page.items)
      if (newestFirst.length > maxEntries) throw new StatementTooLongError(maxEntries)
      onProgress?.(newestFirst.length, Math.max(count, newestFirst.length))
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
