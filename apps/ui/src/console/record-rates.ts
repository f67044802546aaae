import type { TopicRecord } from '../api/types.ts'

/** How many records and bytes arrived in each second of the last minute, the newest last. */
export type Rates = { readonly second: number; readonly counts: readonly number[]; readonly bytes: readonly number[] }

export const rateSeconds = 60
const nothing: readonly number[] = Array.from({ length: rateSeconds }, () => 0)

export function noRates(nowMs: number): Rates {
  return { second: secondOf(nowMs), counts: nothing, bytes: nothing }
}

/** Moves the minute on, and counts what has just arrived. */
export function countRates(rates: Rates, records: readonly Pick<TopicRecord, 'size'>[], nowMs: number): Rates {
  const second = secondOf(nowMs)
  const passed = Math.min(rateSeconds, Math.max(0, second - rates.second))
  const size = records.reduce((sum, record) => sum + record.size, 0)
  return {
    second: Math.max(second, rates.second),
    counts: moved(rates.counts, passed, records.length),
    bytes: moved(rates.bytes, passed, size),
  }
}

/** The last whole second, since the present one is not over. */
export function rateNow(values: readonly number[]): number {
  return values.at(-2) ?? 0
}

function moved(values: readonly number[], passed: number, more: number): number[] {
  const next = [...values.slice(passed), ...nothing.slice(0, passed)]
  next[rateSeconds - 1] = (next[rateSeconds - 1] ?? 0) + more
  return next
}

function secondOf(ms: number): number {
  return Math.floor(ms / 1_000)
}
