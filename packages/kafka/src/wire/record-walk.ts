/**
 * A walk over every record of a batch that makes no objects. It checks a client's batch before it is
 * stored, because consumers read it unchanged. The walk stops at the end of the given bytes and continues when there are more, so that
 * compressed records need not be decompressed behind the first that is wrong.
 *
 *     record: length varint | attributes i8 | time delta varlong | offset delta varint | key | value | headers varint, then name, value…
 *
 * Source: https://kafka.apache.org/documentation/#record
 */
import { MalformedError, OversizedError } from './malformed.ts'

/** Called for each record in order. `timestampDelta` is exact within 2^53; beyond that it is only a large number. */
export type VisitWalkedRecord = (index: number, timestampDelta: number, hasKey: boolean) => void

export type WalkLimits = {
  readonly count: number
  /** The number of records and headers together: a consumer makes an object for each. */
  readonly maxItems: number
}

const MAX_VARINT_BYTES = 5
const MAX_VARLONG_BYTES = 10
const SHORTEST_RECORD_BYTES = 6
const SHORTEST_HEADER_BYTES = 2

export class RecordWalk {
  readonly #limits: WalkLimits
  readonly #visit: VisitWalkedRecord
  #bytes: Buffer = Buffer.alloc(0)
  #at = 0
  #index = 0
  #items = 0

  constructor(limits: WalkLimits, visit: VisitWalkedRecord) {
    this.#limits = limits
    this.#visit = visit
  }

  /**
   * @param bytes the records from the first one on; each call has more of them
   * @throws MalformedError at the first record that is wrong, OversizedError at one with too many headers
   */
  goOn(bytes: Buffer, { isWhole }: { readonly isWhole: boolean }): void {
    this.#bytes = bytes
    const { count } = this.#limits
    while (this.#index < count) {
      const start = this.#at
      if (!isWhole && bytes.length - start < MAX_VARINT_BYTES) return
      const size = this.#varint()
      const end = this.#at + size
      if (size < SHORTEST_RECORD_BYTES) throw this.#wrong(`a length of ${size} bytes`)
      if (end > bytes.length) {
        if (isWhole) throw this.#wrong(`a length of ${size} bytes where ${bytes.length - this.#at} are left`)
        this.#at = start
        return
      }
      this.#record(end)
      this.#index += 1
    }
    if (isWhole && this.#at !== bytes.length) {
      throw new MalformedError(`${bytes.length - this.#at} bytes are left after ${count} records`)
    }
  }

  #record(end: number): void {
    this.#addItems(1)
    this.#at += 1
    const timestampDelta = this.#varlong()
    const offsetDelta = this.#varint()
    if (offsetDelta !== this.#index) throw this.#wrong(`the offset delta ${offsetDelta}`)
    const hasKey = this.#skip(end, 'key') !== -1
    this.#skip(end, 'value')
    const headers = this.#varint()
    if (headers < 0 || headers * SHORTEST_HEADER_BYTES > end - this.#at) throw this.#wrong(`${headers} headers`)
    this.#addItems(headers)
    for (let header = 0; header < headers; header++) {
      if (this.#skip(end, 'header name') === -1) throw this.#wrong('a header without a name')
      this.#skip(end, 'header value')
    }
    if (this.#at !== end) throw this.#wrong('a length that differs from what is in it')
    this.#visit(this.#index, timestampDelta, hasKey)
  }

  #skip(end: number, what: string): number {
    const length = this.#varint()
    if (length === -1) return length
    if (length < -1 || length > end - this.#at) throw this.#wrong(`a ${what} of ${length} bytes`)
    this.#at += length
    return length
  }

  #addItems(count: number): void {
    this.#items += count
    if (this.#items <= this.#limits.maxItems) return
    throw new OversizedError(`a batch of more than ${this.#limits.maxItems} records and headers`)
  }

  #varint(): number {
    const first = this.#bytes[this.#at]
    if (first !== undefined && first < 0x80) {
      this.#at++
      return (first >>> 1) ^ -(first & 1)
    }
    let value = 0
    for (let index = 0; index < MAX_VARINT_BYTES; index++) {
      const byte = this.#byte()
      value += (byte & 0x7f) * 2 ** (7 * index)
      if (byte < 0x80) {
        if (value > 0xffff_ffff) break
        return (value >>> 1) ^ -(value & 1)
      }
    }
    throw this.#wrong('a number of more than 32 bits')
  }

  #varlong(): number {
    const first = this.#byte()
    // The last bit is the sign. It is kept apart: with it a safe integer may have 54 bits.
    let half = (first & 0x7f) >>> 1
    let byte = first
    for (let index = 1; byte >= 0x80; index++) {
      if (index === MAX_VARLONG_BYTES) throw this.#wrong('a number of more than 64 bits')
      byte = this.#byte()
      half += (byte & 0x7f) * 2 ** (7 * index - 1)
    }
    return (first & 1) === 0 ? half : -half - 1
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++]
    if (byte === undefined) throw this.#wrong('a number that is cut off')
    return byte
  }

  #wrong(what: string): MalformedError {
    return new MalformedError(`record ${this.#index} of the batch has ${what}`)
  }
}
