/** Random bytes for ids, from a pool that is filled at once: asking the system for each request's few costs more than they do. */
import { randomFillSync } from 'node:crypto'

const pool = Buffer.allocUnsafeSlow(8 * 1024)
let taken = pool.length

/** So many bytes, at most 8,192, which nobody else gets; to be used before the next call. */
export function randomBytesOf(count: number): Buffer {
  if (taken + count > pool.length) {
    randomFillSync(pool)
    taken = 0
  }
  taken += count
  return pool.subarray(taken - count, taken)
}
