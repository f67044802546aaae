import { ref, shallowRef } from 'vue'
import { http } from '../api/client.ts'
import { answerOf, ProblemError, problemOf, retryAfterMsOf } from '../api/http.ts'
import { type Words, wordsOf } from '../api/problems.ts'
import type { Entry } from '../api/types.ts'
import { now } from '../app/clock.ts'
import { dayKey } from '../app/times.ts'
import { maxStatementEntries, readStatement, StatementTooLongError } from '../statement/read-statement.ts'
import { statementCsv, statementFileName } from '../statement/statement-csv.ts'
import type { EntryFilter } from '../stores/entry-filter.ts'
import { strangerOf, usePeople } from '../stores/people.ts'

const rawTimeoutMs = 120_000

/** Downloads the statement, as a table for people or raw for programs; a plain link can't carry the token. */
export function useCsv() {
  const people = usePeople()
  const isLoading = ref(false)
  const fault = shallowRef<Words | undefined>()

  /** @param period the days of the filter, if there are any; otherwise everything */
  async function downloadTable(period: Pick<EntryFilter, 'from' | 'to'>): Promise<void> {
    await run(async () => {
      const entries = await readStatement({ http, wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) })
      await people.fetchAll([...new Set(entries.map(({ counterparty }) => counterparty))])
      const today = dayKey(now())
      const from = period.from || dayKey(entries[0]?.at ?? now())
      const to = period.to || today
      const text = statementCsv({
        entries,
        personOf: (id) => people.find(id) ?? { ...strangerOf(id), name: people.nameOf(id) },
        isWanted: ({ at }: Entry) => dayKey(at) >= from && dayKey(at) <= to,
      })
      offer(new Blob([text], { type: 'text/csv;charset=utf-8' }), statementFileName({ from, to }))
    })
  }

  async function downloadRaw(): Promise<void> {
    await run(async () => {
      const response = await http.send('/transactions', { headers: { accept: 'text/csv' } }, rawTimeoutMs)
      if (!response.ok) {
        throw new ProblemError(problemOf(response, (await answerOf(response)).body), retryAfterMsOf(response))
      }
      offer(await response.blob(), 'streampay-statement-raw.csv')
    })
  }

  async function run(download: () => Promise<void>): Promise<void> {
    if (isLoading.value) return
    isLoading.value = true
    fault.value = undefined
    try {
      await download()
    } catch (error) {
      fault.value = wordsForDownload(error)
    } finally {
      isLoading.value = false
    }
  }

  return { isLoading, fault, downloadTable, downloadRaw }
}

function wordsForDownload(error: unknown): Words {
  if (error instanceof StatementTooLongError) {
    const most = new Intl.NumberFormat('en-US').format(maxStatementEntries)
    return {
      title: 'Too long for a table',
      detail: `Your statement has more than ${most} entries. The raw form has all.`,
    }
  }
  return wordsOf(error)
}

function offer(file: Blob, name: string): void {
  const url = URL.createObjectURL(file)
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  // The browser has taken its own hold of the file by the next turn.
  setTimeout(() => URL.revokeObjectURL(url), 0)
}
