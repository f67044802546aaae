/**
 * The lengths that add up, in one place. A text or record that is made of several parts (a prefix and an id, a record and the batch around
 * it) has a limit of its own, and each relation between limits is asserted when this module is loaded: a change of one limit must not allow
 * a record that its own reader refuses.
 *
 * Lengths are in UTF-16 units unless they say otherwise; a Unicode character takes one or two.
 */

/**
 * Longest identity, request id, idempotency key and correlation id. 255 is what OpenID Connect Core 1.0 (section 2) allows
 * a `sub`, so no issuer's user is refused.
 */
export const maxIdLength = 255

/** The transfer id of an account's opening, since it opens once; the account's id follows. */
export const openingPrefix = 'opening:'

/** Longest transfer id: longer than an id, because one kind is made of a prefix and an id. */
export const maxTransferIdLength = 263

/** An id made of coordinates, as `t2147483647-9007199254740991`: a letter, a partition and an offset. */
const maxCoordinatesIdLength = 1 + String(0x7fff_ffff).length + 1 + String(Number.MAX_SAFE_INTEGER).length

/** In Unicode characters. */
export const maxNotesLength = 500
export const maxNameLength = 100

/** A name, or the id of a person without a name. */
export const maxLabelLength = 255

/** Field errors in one problem, and the longest message of one. */
export const maxFieldErrors = 20
const maxFieldMessageLength = 200

/** The largest record that a topology writes, as the encoder makes it; dead letters are cut to it. */
export const maxRecordBytes = 1_000_000

/** The largest batch that every topic has to take (`max.message.bytes`): Redpanda's default, 12 bytes below Kafka's. */
export const maxMessageBytes = 1_048_576

/** Of a record batch (https://kafka.apache.org/documentation/#recordbatch). */
const batchHeaderBytes = 61

/** JSON writes a UTF-16 unit in six bytes at most: `\u0000`, also for half of a surrogate pair. */
const jsonBytes = 6

/** A dozen members, names and numbers included. */
const jsonFrameBytes = 1_000

/** The widest record value is a ledger entry: four ids, one of them a transfer's, and the notes. */
const maxEntryBytes = jsonFrameBytes + jsonBytes * (3 * maxIdLength + maxTransferIdLength + 2 * maxNotesLength)

/** The widest answer describes every field of a body in its details, once in a sentence and once in the list. */
const maxReplyBytes = jsonFrameBytes + 2 * maxFieldErrors * jsonBytes * (maxIdLength + maxFieldMessageLength)

/** Key and headers of a record: every one an id, in UTF-8 of at most three bytes a unit. */
const maxEnvelopeBytes = 10 * 3 * maxIdLength

within('the transfer id of an opening', openingPrefix.length + maxIdLength, maxTransferIdLength)
within('an id made of coordinates', maxCoordinatesIdLength, maxIdLength)
within('a name in an activity', Math.max(maxIdLength, 2 * maxNameLength), maxLabelLength)
within('a ledger entry', maxEntryBytes + maxEnvelopeBytes, maxRecordBytes)
within('a reply', maxReplyBytes + maxEnvelopeBytes, maxRecordBytes)
within('the largest record in a batch of its own', maxRecordBytes + batchHeaderBytes, maxMessageBytes)

function within(what: string, length: number, limit: number): void {
  if (length > limit) throw new RangeError(`The limits contradict each other: ${what} takes ${length}, of ${limit}`)
}
