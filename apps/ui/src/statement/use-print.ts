import { nextTick, onScopeDispose, ref, shallowRef } from 'vue'
import { http } from '../api/client.ts'
import type { Words } from '../api/problems.ts'
import { wait } from '../api/wait.ts'
import { t } from '../i18n/pages.ts'
import { usePeople } from '../stores/people.ts'
import type { PersonSums } from './people-sums.ts'
import type { Period } from './period.ts'
import { type PeriodStatement, readStatement } from './read-statement.ts'
import { readPeopleOf } from './use-period-people.ts'
import { wordsForReading } from './words-for-reading.ts'

/** About 250 sheets of paper. */
export const maxPrintedEntries = 10_000
/** Rows that are rendered at a time, so that the page stays usable meanwhile. */
const rowsAtOnce = 250

/** The printed content: all entries of a period, and the sums by person, if the period is not too long for them. */
export type PrintSheet = PeriodStatement & {
  readonly period: Period
  readonly people: readonly PersonSums[] | undefined
}

/** Reads all of a period, puts it into a sheet that is only printed, and asks the browser to print it. */
export function usePrint() {
  const names = usePeople()
  const sheet = shallowRef<PrintSheet | undefined>()
  /** Number of rows of the sheet that are rendered. */
  const rows = ref(0)
  const progress = ref<string | undefined>()
  const fault = shallowRef<Words | undefined>()
  let stopped = false

  async function print(period: Period): Promise<void> {
    if (progress.value !== undefined) return
    fault.value = undefined
    progress.value = t('statement.reading')
    try {
      const statement = await readStatement({
        http,
        wait,
        period,
        maxEntries: maxPrintedEntries,
        onProgress: (read, all) => {
          progress.value = t('statement.readingSome', { read, all })
        },
      })
      const people = await readPeopleOf(period, http)
      const ids = [...statement.entries, ...(people ?? [])].map(({ counterparty }) => counterparty)
      await names.fetchAll([...new Set(ids)])
      await lay({ ...statement, period, people })
    } catch (error) {
      fault.value = wordsForReading(error)
    } finally {
      progress.value = undefined
    }
  }

  async function lay(next: PrintSheet): Promise<void> {
    rows.value = 0
    sheet.value = next
    while (rows.value < next.entries.length) {
      progress.value = t('statement.makingPages', { made: rows.value, all: next.entries.length })
      rows.value += rowsAtOnce
      await nextTick()
      await wait(0)
      if (stopped) return
    }
    progress.value = t('statement.openingPrint')
    await nextTick()
    addEventListener('afterprint', clear, { once: true })
    globalThis.print()
  }

  function clear() {
    sheet.value = undefined
  }

  onScopeDispose(() => {
    stopped = true
    removeEventListener('afterprint', clear)
  })

  return { sheet, rows, progress, fault, print }
}
