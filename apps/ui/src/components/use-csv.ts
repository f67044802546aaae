import { ref, shallowRef } from 'vue'
import { http } from '../api/client.ts'
import { answerOf, ProblemError, problemOf, retryAfterMsOf } from '../api/http.ts'
import type { Words } from '../api/problems.ts'
import { wait } from '../api/wait.ts'
import { offerFile } from '../app/offer-file.ts'
import { type Period, timesOf } from '../statement/period.ts'
import { readStatement } from '../statement/read-statement.ts'
import { statementCsv, statementFileName } from '../statement/statement-csv.ts'
import { wordsForReading } from '../statement/words-for-reading.ts'
import { strangerOf, usePeople } from '../stores/people.ts'

const rawTimeoutMs = 120_000

/** Downloads the statement of a period, as a table for people or raw for programs; a plain link can't carry the token. */
export function useCsv() {
  const people = usePeople()
  const isLoading = ref(false)
  const fault = shallowRef<Words | undefined>()

  function downloadTable(period: Period): Promise<void> {
    return run(async () => {
      const { entries, figures } = await readStatement({ http, wait, period })
      await people.fetchAll([...new Set(entries.map(({ counterparty }) => counterparty))])
      const personOf = (id: string) => people.find(id) ?? { ...strangerOf(id), name: people.nameOf(id) }
      const text = statementCsv({ entries, opening: figures.opening, personOf })
      offerFile(new Blob([text], { type: 'text/csv;charset=utf-8' }), statementFileName(period))
    })
  }

  function downloadRaw(period: Period): Promise<void> {
    return run(async () => {
      const response = await http.send(
        `/transactions?${timesOf(period)}`,
        { headers: { accept: 'text/csv' } },
        rawTimeoutMs,
      )
      if (!response.ok) {
        throw new ProblemError(problemOf(response, (await answerOf(response)).body), retryAfterMsOf(response))
      }
      offerFile(await response.blob(), statementFileName(period, 'raw'))
    })
  }

  async function run(download: () => Promise<void>): Promise<void> {
    if (isLoading.value) return
    isLoading.value = true
    fault.value = undefined
    try {
      await download()
    } catch (error) {
      fault.value = wordsForReading(error)
    } finally {
      isLoading.value = false
    }
  }

  return { isLoading, fault, downloadTable, downloadRaw }
}
