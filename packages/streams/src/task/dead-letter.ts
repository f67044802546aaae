/** The dead letter: a record that contains a record which could not be processed, and the reason. */
import {
  type Headers,
  headerText,
  type ReceivedRecord,
  type RecordToSend,
  type UndecodableBatch,
} from '@streampay/kafka'
import { reasonOf } from '../errors.ts'
import { dataBytes, headerBytes, recordBytes } from './record-size.ts'

/** The headers that a dead letter has beside those of its record. */
export const deadLetterHeaders = {
  /** topic/partition/offset. */
  origin: 'origin',
  /** The message of the error. */
  reason: 'reason',
  /** The stack of the error, causes included, if it was an Error. */
  stack: 'stack',
  /** The size of the original record in bytes; only on a letter that had to be cut. */
  truncated: 'truncated',
  /** The parts of the record that are not in the letter, in words. */
  cut: 'cut',
  /** Why the record got no answer, if the answer failed too. */
  unanswered: 'unanswered',
  /** The offsets of a batch that could not be decoded, first-last: the value then has the batch's first bytes. */
  undecodable: 'undecodable',
} as const

/** A character has at most three bytes for each of its UTF-16 units. */
const maxReasonChars = 1_000
const maxStackBytes = 4_000
const maxCauses = 5
/** The longest values of `truncated` and `cut`. */
const markRoomBytes = 512

export type LetterOptions = {
  readonly topic: string
  /** The error. */
  readonly error: unknown
  /** The largest record that may be written, in encoded bytes. */
  readonly maxBytes: number
  /** The error that occurred when the record was answered. */
  readonly unanswered?: unknown
}

/**
 * The unchanged key, value and headers, with `deadLetterHeaders` added. A letter that would be larger than a record may
 * be is cut: `truncated` then has the original size, and `cut` the missing parts. A dead letter must never fail, so its
 * encoded size is measured, not that of its raw bytes.
 */
export function deadLetterOf(record: ReceivedRecord, options: LetterOptions): RecordToSend {
  const stack = stackOf(options.error)
  const own = {
    [deadLetterHeaders.origin]: `${record.topic}/${record.partition}/${record.offset}`,
    [deadLetterHeaders.reason]: wordsOf(options.error),
    ...(stack === undefined ? {} : { [deadLetterHeaders.stack]: stack }),
    ...(options.unanswered === undefined ? {} : { [deadLetterHeaders.unanswered]: wordsOf(options.unanswered) }),
  }
  const room = options.maxBytes - recordBytes({ key: null, value: null, headers: own }) - markRoomBytes
  const { key, value, headers, cut } = fitting(record, room)
  return {
    topic: options.topic,
    key,
    value,
    headers: {
      ...headers,
      ...own,
      ...(cut.isSmaller ? { [deadLetterHeaders.truncated]: String(sizeOf(record)) } : {}),
      ...(cut.parts.length === 0 ? {} : { [deadLetterHeaders.cut]: cut.parts.join('; ') }),
    },
    timestamp: record.timestamp,
  }
}

/**
 * Replaces the records of a batch that could not be decoded: without a key, and with the bytes that the reader kept.
 * @param options.timestamp in ms; if it is 0, no time is known, and the letter gets the time at which it is written
 */
export function undecodableLetterOf(
  { topic, partition, baseOffset, lastOffset, error, bytes, sizeInBytes }: UndecodableBatch,
  options: { readonly topic: string; readonly timestamp: number },
): RecordToSend {
  return {
    topic: options.topic,
    key: null,
    value: bytes,
    headers: {
      [deadLetterHeaders.origin]: `${topic}/${partition}/${baseOffset}`,
      [deadLetterHeaders.undecodable]: `${baseOffset}-${lastOffset}`,
      [deadLetterHeaders.reason]: wordsOf(error),
      ...(bytes.length < sizeInBytes ? { [deadLetterHeaders.truncated]: String(sizeInBytes) } : {}),
    },
    ...(options.timestamp > 0 ? { timestamp: options.timestamp } : {}),
  }
}

type Fitting = Pick<ReceivedRecord, 'key' | 'value'> & {
  readonly headers: Readonly<Record<string, Buffer>>
  readonly cut: { readonly isSmaller: boolean; readonly parts: readonly string[] }
}

/**
 * As much of the record as fits: the whole key or none, because a cut key would be another key; then as many headers
 * as leave at least half of the remaining bytes to the value, if it needs them; then the first bytes of the value.
 */
function fitting(record: ReceivedRecord, roomBytes: number): Fitting {
  const parts: string[] = []
  const key = dataBytes(record.key) <= roomBytes ? record.key : null
  if (key !== record.key) parts.push(`the key of ${record.key?.length} bytes`)
  let room = roomBytes - dataBytes(key)

  const entries = originalHeaders(record.headers)
  const forValue = Math.min(dataBytes(record.value), Math.floor(room / 2))
  const kept: (readonly [string, Buffer])[] = []
  for (const [name, content] of entries) {
    const bytes = headerBytes(name, content)
    if (bytes > room - forValue) break
    room -= bytes
    kept.push([name, content])
  }
  const missing = entries.length - kept.length
  if (missing > 0) parts.push(`${missing} of ${entries.length} headers`)
  const headers = Object.fromEntries(kept)
  const repeated = kept.length - Object.keys(headers).length
  if (repeated > 0) parts.push(`${repeated} headers whose names come again later`)

  const value = startOf(record.value, room)
  if (value !== record.value) parts.push(`the value behind its first ${value?.length} of ${record.value?.length} bytes`)
  return { key, value, headers, cut: { isSmaller: key !== record.key || missing > 0 || value !== record.value, parts } }
}

/** A length has at most five bytes. */
function startOf(value: Buffer | null, roomBytes: number): Buffer | null {
  return dataBytes(value) <= roomBytes ? value : (value?.subarray(0, Math.max(0, roomBytes - 5)) ?? null)
}

/** Key, value and headers, in bytes. */
function sizeOf({ key, value, headers }: ReceivedRecord): number {
  let size = (key?.length ?? 0) + (value?.length ?? 0)
  for (const [name, content] of headers) size += Buffer.byteLength(name) + (content?.length ?? 0)
  return size
}

function wordsOf(thrown: unknown): string {
  return reasonOf(thrown).slice(0, maxReasonChars)
}

/** A decoded dead letter. */
export type DeadLetter = {
  /** The coordinates of the record that could not be processed. */
  readonly origin: { readonly topic: string; readonly partition: number; readonly offset: number }
  /** The message of the error, cut to a limit; empty if the letter has none. */
  readonly reason: string
  /** The stack of the error; undefined if the letter has none. */
  readonly stack: string | undefined
  /** The original size of the record, if the letter does not have all of it. */
  readonly truncatedFromBytes: number | undefined
  /** The missing parts of the record, in words. */
  readonly cut: string | undefined
  /** Why the record got no answer, if the answer failed too. */
  readonly unanswered: string | undefined
  /** The offsets that the letter replaces, if it has the bytes of a batch instead of a record. */
  readonly undecodable: { readonly baseOffset: number; readonly lastOffset: number } | undefined
  /** The headers of the record itself. Repeated names have the last value; a null became empty. */
  readonly headers: Readonly<Record<string, Buffer>>
}

/** Undefined if the record is not a dead letter: it has no origin. */
export function readDeadLetter(letter: ReceivedRecord): DeadLetter | undefined {
  const text = (name: string) => headerText(letter.headers, name)
  const [, topic, partition, offset] = /^([^/]+)\/(\d+)\/(\d+)$/.exec(text(deadLetterHeaders.origin) ?? '') ?? []
  if (topic === undefined) return undefined
  const truncated = text(deadLetterHeaders.truncated)
  const [, baseOffset, lastOffset] = /^(\d+)-(\d+)$/.exec(text(deadLetterHeaders.undecodable) ?? '') ?? []
  return {
    origin: { topic, partition: Number(partition), offset: Number(offset) },
    reason: text(deadLetterHeaders.reason) ?? '',
    stack: text(deadLetterHeaders.stack),
    truncatedFromBytes: truncated === undefined ? undefined : Number(truncated),
    cut: text(deadLetterHeaders.cut),
    unanswered: text(deadLetterHeaders.unanswered),
    undecodable:
      lastOffset === undefined ? undefined : { baseOffset: Number(baseOffset), lastOffset: Number(lastOffset) },
    headers: Object.fromEntries(originalHeaders(letter.headers)),
  }
}

const ownNames: ReadonlySet<string> = new Set(Object.values(deadLetterHeaders))

/**
 * A null value becomes empty. The letter's own headers are left out, so that the record can't forge them.
 * `Object.fromEntries` takes the last of repeated names, and makes hostile names (`__proto__`) harmless.
 */
function originalHeaders(original: Headers): (readonly [string, Buffer])[] {
  return original.filter(([name]) => !ownNames.has(name)).map(([name, value]) => [name, value ?? Buffer.alloc(0)])
}

/** The stacks of the error and of its causes, cut to a limit. */
function stackOf(thrown: unknown): string | undefined {
  const stacks: string[] = []
  for (let error = thrown; error instanceof Error && stacks.length <= maxCauses; error = error.cause) {
    stacks.push(error.stack ?? `${error.name}: ${error.message}`)
  }
  if (stacks.length === 0) return undefined
  const bytes = Buffer.from(stacks.join('\ncaused by: '))
  // The cut may split a character, which then reads as U+FFFD: at most three bytes.
  return bytes.length <= maxStackBytes ? bytes.toString('utf8') : bytes.subarray(0, maxStackBytes).toString('utf8')
}
