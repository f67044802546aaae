/** The record that tells of a record which could not be processed, and what it was. */
import type { Headers, ReceivedRecord, RecordToSend } from '@streampay/kafka'
import { reasonOf } from './errors.ts'
import { headerText } from './topology.ts'

/** What a dead letter carries on top of the headers of its record. */
export const deadLetterHeaders = {
  /** topic/partition/offset. */
  origin: 'origin',
  /** The message of what was thrown. */
  reason: 'reason',
  /** Where it was thrown, causes included, if it was an Error. */
  stack: 'stack',
  /** The size of the record in bytes; only on a letter that had to be cut. */
  truncated: 'truncated',
} as const

/** Room for the four headers: their names, an origin of at most 280 bytes, a reason and a stack in UTF-8, and a number. */
const headerRoomBytes = 8_192
/** A character takes at most three bytes for each of its UTF-16 units. */
const maxReasonChars = 1_000
const maxStackBytes = 4_000
const maxCauses = 5

/**
 * Key, value and headers as they were, with `deadLetterHeaders` on top. What would make it larger than a record may be is
 * cut, and `truncated` then names the original size: a dead letter must never fail.
 */
export function deadLetterOf(
  record: ReceivedRecord,
  options: { topic: string; error: unknown; maxBytes: number },
): RecordToSend {
  const room = options.maxBytes - headerRoomBytes
  const { headers, size: headerBytes } = originalHeaders(record.headers)
  const keptHeaders = headerBytes <= room ? headers : {}
  const keptHeaderBytes = headerBytes <= room ? headerBytes : 0
  const keyBytes = record.key?.length ?? 0
  const keptKey = keyBytes + keptHeaderBytes <= room ? record.key : null
  const valueRoom = room - keptHeaderBytes - (keptKey?.length ?? 0)
  const value =
    record.value !== null && record.value.length > valueRoom ? record.value.subarray(0, valueRoom) : record.value
  const size = headerBytes + keyBytes + (record.value?.length ?? 0)
  const stack = stackOf(options.error)
  return {
    topic: options.topic,
    key: keptKey,
    value,
    headers: {
      ...keptHeaders,
      [deadLetterHeaders.origin]: `${record.topic}/${record.partition}/${record.offset}`,
      [deadLetterHeaders.reason]: reasonOf(options.error).slice(0, maxReasonChars),
      ...(stack === undefined ? {} : { [deadLetterHeaders.stack]: stack }),
      ...(size > room ? { [deadLetterHeaders.truncated]: String(size) } : {}),
    },
    timestamp: record.timestamp,
  }
}

/** A dead letter taken apart again. */
export type DeadLetter = {
  readonly origin: { readonly topic: string; readonly partition: number; readonly offset: number }
  readonly reason: string
  readonly stack: string | undefined
  /** The size that the record had, if this is not all of it. */
  readonly truncatedFromBytes: number | undefined
  /** The headers of the record itself. Of names that repeated, the last value; a null became empty. */
  readonly headers: Readonly<Record<string, Buffer>>
}

/** Undefined if the record is not a dead letter: it has no origin. */
export function readDeadLetter(letter: ReceivedRecord): DeadLetter | undefined {
  const text = (name: string) => headerText(letter.headers, name)
  const [, topic, partition, offset] = /^([^/]+)\/(\d+)\/(\d+)$/.exec(text(deadLetterHeaders.origin) ?? '') ?? []
  if (topic === undefined) return undefined
  const truncated = text(deadLetterHeaders.truncated)
  return {
    origin: { topic, partition: Number(partition), offset: Number(offset) },
    reason: text(deadLetterHeaders.reason) ?? '',
    stack: text(deadLetterHeaders.stack),
    truncatedFromBytes: truncated === undefined ? undefined : Number(truncated),
    headers: originalHeaders(letter.headers).headers,
  }
}

const ownNames: ReadonlySet<string> = new Set(Object.values(deadLetterHeaders))

/**
 * Of repeated names the last one; a null value becomes empty. Ours are left out, so that what a letter says of itself
 * never comes from the record. `fromEntries` keeps hostile names (`__proto__`) harmless.
 */
function originalHeaders(original: Headers): { headers: Record<string, Buffer>; size: number } {
  const entries = original
    .filter(([name]) => !ownNames.has(name))
    .map(([name, value]): [string, Buffer] => [name, value ?? Buffer.alloc(0)])
  const size = entries.reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + value.length, 0)
  return { headers: Object.fromEntries(entries), size }
}

/** The stack and those of its causes, cut to a bound. */
function stackOf(thrown: unknown): string | undefined {
  const stacks: string[] = []
  for (let error = thrown; error instanceof Error && stacks.length <= maxCauses; error = error.cause) {
    stacks.push(error.stack ?? `${error.name}: ${error.message}`)
  }
  if (stacks.length === 0) return undefined
  const bytes = Buffer.from(stacks.join('\ncaused by: '))
  // The cut may fall within a character, which then reads as U+FFFD: three bytes at most.
  return bytes.length <= maxStackBytes ? bytes.toString('utf8') : bytes.subarray(0, maxStackBytes).toString('utf8')
}
