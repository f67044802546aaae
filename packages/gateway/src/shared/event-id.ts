/**
 * The `id` of an event: a position in a view from which any gateway can continue, at most 255 bytes of visible ASCII.
 *
 *     payment-requests:<topic id, 22>:<time, base 36>:<offset of partition 0, base 36>,<1>,…
 *
 * An offset is the next one to deliver. The time is when the position was the newest state of the topic; for a compacted
 * topic it decides whether tombstones past the position may have been removed meanwhile. The id has no identity and
 * proves nothing: it only selects from the records that the token's subject may see.
 */
export type Position = {
  readonly view: string
  /** The topic's UUID, as base64url (22 characters). */
  readonly topicId: string
  /** Milliseconds since the epoch. */
  readonly time: number
  /** Indexed by partition. */
  readonly offsets: readonly number[]
}

export const longestEventId = 255

/** Digits in base 36 that are reserved for each offset: 36^8 records per partition. */
const offsetDigits = 8

/** The largest number of partitions whose positions surely fit into the id of a view with this name. */
export function mostPartitions(view: string): number {
  const fixed = `${view}:${'x'.repeat(22)}:${'x'.repeat(9)}:`.length
  return Math.floor((longestEventId - fixed) / (offsetDigits + 1))
}

export function formatEventId(position: Position): string {
  return eventIdPrefix(position) + formatOffsets(position.offsets)
}

/** The part before the offsets; it stays the same while many records are encoded. */
export function eventIdPrefix({ view, topicId, time }: Omit<Position, 'offsets'>): string {
  return `${view}:${topicId}:${time.toString(36)}:`
}

export function formatOffsets(offsets: readonly number[]): string {
  let text = ''
  for (const offset of offsets) text += text === '' ? offset.toString(36) : `,${offset.toString(36)}`
  return text
}

/** Undefined if the text is not an id of a gateway. */
export function parseEventId(text: string): Position | undefined {
  if (text.length > longestEventId) return undefined
  const parts = text.split(':')
  if (parts.length !== 4) return undefined
  const [view = '', topicId = '', timeText = '', offsetsText = ''] = parts
  const time = parseBase36(timeText)
  const offsets = offsetsText.split(',').map(parseBase36)
  if (view === '' || !/^[\w-]{22}$/.test(topicId) || time === undefined) return undefined
  const known = offsets.filter((offset) => offset !== undefined)
  return known.length === offsets.length ? { view, topicId, time, offsets: known } : undefined
}

/**
 * The form of event ids of a view, or an empty text for a client that has no id. Every id of this form is accepted; if a stream
 * can't continue from it, the answer is a reset. Ten digits always make a safe integer.
 */
export function eventIdPattern(view: string): string {
  const number = '(0|[1-9a-z][0-9a-z]{0,9})'
  return `^(${view.replaceAll('.', '\\.')}:[A-Za-z0-9_-]{22}:${number}:${number}(,${number})*)?$`
}

function parseBase36(text: string): number | undefined {
  if (!/^(0|[1-9a-z][0-9a-z]{0,10})$/.test(text)) return undefined
  const value = Number.parseInt(text, 36)
  return Number.isSafeInteger(value) ? value : undefined
}

/** `6ba7b810-9dad-11d1-80b4-00c04fd430c8` → 22 characters of base64url. */
export function shortTopicId(uuid: string): string {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex').toString('base64url')
}
