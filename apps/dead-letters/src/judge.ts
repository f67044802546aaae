/**
 * Whether a dead letter may be put back. The idempotency key makes it safe: if the command took effect after all, or is put back twice, the
 * key is known and the first outcome is answered again. So no letter is put back once a key of this intent may have expired: keys are kept
 * for 24 hours from the first attempt that was decided. It is not known here which of several attempts that was, so the oldest possible one
 * counts.
 */
import { headerNames, idempotencyKeptMs, maxIdLength, topicNames, topicsFromOutside } from '@streampay/domain'
import type { Letter } from './letters.ts'

/** A margin for clocks that differ, and for a payments service that is this far behind when the command is put back. */
export const safetyMarginMs = 60 * 60 * 1000

/** What the log has about a letter, besides the letter. */
export type Facts = {
  /** The log's time, in ms since the epoch. */
  readonly now: number
  /** The time of the first record of the same intent that may have stored a key, if it is older than the letter's. */
  readonly firstAttemptAt: number | undefined
  /** False if the log no longer has all attempts that could count. */
  readonly holdsAllAttempts: boolean
  /** The coordinates of a younger record of the same key, topic/partition/offset; for a compacted topic only. */
  readonly newerVersion: string | undefined
}

/** Why the letter can't be put back, independent of the rest of the log; undefined if that is not known yet. */
export function refusalOfLetter({
  origin,
  truncatedFromBytes,
  undecodable,
  record,
  headers,
}: Letter): string | undefined {
  if (!topicsFromOutside.includes(origin.topic)) {
    return `it comes from ${origin.topic}, and only ${topicsFromOutside.join(' and ')} can be written again`
  }
  if (undecodable !== undefined) return 'it has the bytes of a batch that could not be decoded, not a record'
  if (truncatedFromBytes !== undefined) {
    return `it was cut from ${truncatedFromBytes} bytes, so the original record is not known`
  }
  if (record.key === null) return 'it has no key, so its account and its partition are not known'
  if (origin.topic !== topicNames.commands) return undefined
  const length = headers[headerNames.idempotencyKey]?.toString('utf8').length ?? 0
  if (length > 0 && length <= maxIdLength) return undefined
  return `it has no ${headerNames.idempotencyKey} of 1 to ${maxIdLength} characters, so it could be carried out twice`
}

/** Why the letter can't be put back now; undefined if it may be. */
export function refusalOf(letter: Letter, facts: Facts): string | undefined {
  const refusal = refusalOfLetter(letter)
  if (refusal !== undefined) return refusal
  if (letter.origin.topic !== topicNames.commands) {
    if (facts.newerVersion === undefined) return undefined
    return `it would overwrite ${facts.newerVersion}, a newer record of its key`
  }
  const at = Math.min(letter.record.timestamp, facts.firstAttemptAt ?? letter.record.timestamp)
  if (facts.now - at > idempotencyKeptMs - safetyMarginMs) {
    const first = at < letter.record.timestamp ? 'the first command with its idempotency key' : 'it'
    return `${first} is from ${new Date(at).toISOString()}: keys are kept for 24 hours, of which 1 is a safety margin`
  }
  if (facts.holdsAllAttempts) return undefined
  return `${topicNames.commands} no longer has the 24 hours before it, so there may be earlier commands with its key`
}
