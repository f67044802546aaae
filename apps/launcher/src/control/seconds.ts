/** How many commands were answered in each second of the last minute, and how fast, from the services' messages. */
import type { Second } from '@streampay/domain/control'

const kept = 60

type Bucket = { readonly second: number; count: number; readonly tookMs: number[] }

export class Seconds {
  #buckets: Bucket[] = []

  /** @param at ms since the epoch, of the message */
  add(at: number, { count, tookMs }: { readonly count: number; readonly tookMs: readonly number[] }): void {
    if (count === 0) return
    const bucket = this.#bucketOf(Math.floor(at / 1_000))
    bucket.count += count
    bucket.tookMs.push(...tookMs)
  }

  /** The minute before `at`, oldest first; seconds without an answer are included. */
  until(at: number): Second[] {
    const last = Math.floor(at / 1_000) - 1
    const known = new Map(this.#buckets.map((bucket) => [bucket.second, bucket]))
    return Array.from({ length: kept }, (_, index) => {
      const second = last - kept + 1 + index
      const bucket = known.get(second)
      const sorted = bucket?.tookMs.toSorted((left, right) => left - right) ?? []
      return {
        at: second * 1_000,
        count: bucket?.count ?? 0,
        p50Ms: quantile(sorted, 0.5),
        p99Ms: quantile(sorted, 0.99),
      }
    })
  }

  #bucketOf(second: number): Bucket {
    const known = this.#buckets.find((bucket) => bucket.second === second)
    if (known !== undefined) return known
    const bucket = { second, count: 0, tookMs: [] }
    this.#buckets = [...this.#buckets, bucket].filter((one) => one.second > second - 2 * kept)
    return bucket
  }
}

function quantile(sorted: readonly number[], share: number): number | undefined {
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
  return value === undefined ? undefined : Math.round(value * 10) / 10
}
