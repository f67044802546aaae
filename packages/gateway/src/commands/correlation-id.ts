/**
 * Correlation ids are UUIDv7 (RFC 9562): new for every HTTP request. Their first 48 bits have the time of the request, so that any
 * gateway knows without stored state how long a reply may still be expected.
 */
import { v7, validate, version } from 'uuid'
import type { Clock } from '../shared/clock.ts'
import { randomBytesOf } from '../shared/random-pool.ts'

export function newCorrelationId(clock: Pick<Clock, 'now'>): string {
  return v7({ msecs: clock.now(), random: randomBytesOf(16) })
}

/** Milliseconds since the epoch, or undefined if the text is not a UUIDv7. */
export function timeOfCorrelationId(id: string): number | undefined {
  if (!validate(id) || version(id) !== 7) return undefined
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
}
