import { computed, onScopeDispose, type Ref, shallowRef, watch } from 'vue'
import { http } from '../api/client.ts'
import type { HttpClient } from '../api/http.ts'
import { getList } from '../api/lists.ts'

import { type Words, wordsOf } from '../api/problems.ts'
import type { Statement, StatementPerson } from '../api/types.ts'
import { t } from '../i18n/pages.ts'
import { type PersonSums, sumsOf } from './people-sums.ts'
import type { Period } from './period.ts'
import { retryWhenLive } from './retry-when-live.ts'

/** Each month is a request, and each person a row of it. */
export const maxPeopleMonths = 24
const maxPages = 10
/** A month that is not over is read again after this time at the earliest. */
const pauseMs = 2_000

/** What each person gave and got in a period, the largest sums first: sums of whole months, or nothing. */
export function usePeriodPeople(period: Ref<Period | undefined>, months: Ref<readonly Statement[]>) {
  /** Rows by month, with the account's sequence number at the time of reading. */
  const read = shallowRef<ReadonlyMap<string, MonthOfPeople>>(new Map())
  const fault = shallowRef<Words | undefined>()
  let isReading = false
  let timer: ReturnType<typeof setTimeout> | undefined
  let current = new AbortController()

  const within = computed(() => {
    const asked = period.value
    return asked === undefined ? [] : months.value.filter(({ month }) => month >= asked.from && month <= asked.to)
  })
  const isTooLong = computed(() => within.value.length > maxPeopleMonths)
  const isLoaded = computed(() => !isTooLong.value && within.value.every(({ month }) => read.value.has(month)))
  const people = computed(() => {
    if (!isLoaded.value) return []
    return sumsOf(within.value.flatMap(({ month }) => read.value.get(month)?.people ?? []))
  })
  const stale = () => within.value.filter(({ month, sequence }) => read.value.get(month)?.sequence !== sequence)

  async function load(): Promise<void> {
    if (isReading || isTooLong.value) return
    const { signal } = current
    isReading = true
    fault.value = undefined
    try {
      for (const { month, sequence } of stale()) {
        const found = await peopleOf(month, http, signal)
        if (signal.aborted) return
        read.value = new Map(read.value).set(month, { sequence, people: found })
      }
    } catch (error) {
      if (!signal.aborted) fault.value = wordsForPeople(error)
    } finally {
      if (!signal.aborted) isReading = false
    }
    if (!signal.aborted && fault.value === undefined) loadSoon()
  }

  function loadSoon() {
    if (isReading || timer !== undefined || stale().length === 0) return
    timer = setTimeout(
      () => {
        timer = undefined
        void load()
      },
      isLoaded.value ? pauseMs : 0,
    )
  }

  function stop() {
    current.abort()
    clearTimeout(timer)
    timer = undefined
    isReading = false
  }

  watch(period, () => {
    stop()
    current = new AbortController()
    void load()
  })
  watch(within, loadSoon, { immediate: true })
  retryWhenLive(
    () => fault.value !== undefined,
    () => void load(),
  )
  onScopeDispose(stop)

  return { people, isLoaded, isTooLong, fault, load }
}

type MonthOfPeople = { readonly sequence: number; readonly people: readonly StatementPerson[] }

function wordsForPeople(error: unknown): Words {
  if (!(error instanceof TooManyPeopleError)) return wordsOf(error)
  return { title: t('statement.tooManyPeople'), detail: t('statement.tooManyPeopleDetail') }
}

/** More people than this in one month are not summed up. */
class TooManyPeopleError extends Error {
  readonly code = 'too-many-people'
}

/** The same at once; undefined if the period has too many months or people. @throws ProblemError, UnreachableError */
export async function readPeopleOf(
  { from, to }: Period,
  http: Pick<HttpClient, 'getJson' | 'send'>,
): Promise<readonly PersonSums[] | undefined> {
  const months = (await http.getJson<Statement[]>('/statements')).filter(({ month }) => month >= from && month <= to)
  if (months.length > maxPeopleMonths) return undefined
  const rows: StatementPerson[] = []
  try {
    for (const { month } of months) rows.push(...(await peopleOf(month, http)))
  } catch (error) {
    if (error instanceof TooManyPeopleError) return undefined
    throw error
  }
  return sumsOf(rows)
}

async function peopleOf(
  month: string,
  http: Pick<HttpClient, 'send'>,
  signal?: AbortSignal,
): Promise<readonly StatementPerson[]> {
  const people = new Map<string, StatementPerson>()
  let next: string | undefined = `/statement-people?month=${month}`
  for (let page = 0; next !== undefined; page += 1) {
    if (page === maxPages) throw new TooManyPeopleError(`there are more people than ${maxPages} answers hold`)
    const part: Awaited<ReturnType<typeof getList<StatementPerson>>> = await getList<StatementPerson>(
      http,
      next,
      signal === undefined ? {} : { signal },
    )
    // A person whose row changed meanwhile may come twice; the first row is the newer one.
    for (const person of part.items) if (!people.has(person.counterparty)) people.set(person.counterparty, person)
    next = part.next
  }
  return [...people.values()]
}
