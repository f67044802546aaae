/** Random bytes for ids, from a pool that is filled at once: asking the system for the few bytes of each request costs more. */
import { randomFillSync } from 'node:crypto'

const pool = Buffer.allocUnsafeSlow(8 * 1024)
let taken = pool.length

/** This number of bytes, at most 8,192, which are given out only once; valid until the next call. */
export function randomBytesOf(count: number): Buffer {
  if (taken + count > pool.length) {
    randomFillSync(pool)
    taken = 0
  }
  taken += count
  return pool.subarray(taken - count, taken)
}
