import type { Span } from '@streampay/domain'
import { http } from '../api/client.ts'
import { traceOf } from './travel.ts'

type Place = { readonly partition: number; readonly offset: number }

/** The most pages that are searched. */
const mostPages = 10
const pageSize = 1_000
/** Spans are written a little after what they measure, and clocks differ a little. */
const beforeMs = 5_000

/**
 * My own spans of the command at this place on `commands`.
 * @param at ms since the epoch: its time, if it is known; without it the last hour is searched
 * @returns none if it wasn't sampled, is older than an hour, or isn't mine
 * @throws ProblemError, UnreachableError
 */
export async function readOwnSpans(place: Place, at: number | undefined): Promise<readonly Span[]> {
  const from = at === undefined ? '' : `&from=${Math.max(0, Math.floor(at) - beforeMs)}`
  const spans: Span[] = []
  let cursor = ''
  for (let page = 0; page < mostPages; page += 1) {
    type SpanPage = { readonly items: readonly Span[]; readonly before: string | null }
    const { items, before } = await http.getJson<SpanPage>(`/spans?limit=${pageSize}${from}${cursor}`)
    spans.push(...items)
    if (before === null) break
    cursor = `&before=${encodeURIComponent(before)}`
  }
  const traceId = traceOf(spans, place)
  return spans.filter((span) => span.traceId === traceId)
}
