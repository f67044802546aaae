/**
 * Writes the primitive types of the Kafka protocol into a buffer that grows as needed.
 *
 * Source: https://kafka.apache.org/protocol.html#protocol_types
 */

import { INT64_MAX } from './byte-reader.ts'
import { MalformedError } from './malformed.ts'

const TWO_POW_32 = 0x1_0000_0000
const MAX_INT16 = 0x7fff

export class ByteWriter {
  #buffer: Buffer
  #length = 0

  constructor(initialBytes = 256) {
    this.#buffer = Buffer.allocUnsafe(initialBytes)
  }

  get length(): number {
    return this.#length
  }

  /** The bytes written so far, as a view: the writer must not be used afterwards. */
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }

  /** Reserves `length` bytes and returns where they begin. */
  claim(length: number): number {
    const at = this.#length
    const needed = at + length
    if (needed > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed + 64, this.#buffer.length * 2))
      this.#buffer.copy(grown, 0, 0, at)
      this.#buffer = grown
    }
    this.#length = needed
    return at
  }

  int8(value: number): void {
    const at = this.claim(1)
    this.#buffer.writeInt8(value, at)
  }

  int16(value: number): void {
    const at = this.claim(2)
    this.#buffer.writeInt16BE(value, at)
  }

  int32(value: number): void {
    const at = this.claim(4)
    this.#buffer.writeInt32BE(value, at)
  }

  int64(value: number): void {
    const at = this.claim(8)
    writeInt64(this.#buffer, at, value)
  }

  float64(value: number): void {
    const at = this.claim(8)
    this.#buffer.writeDoubleBE(value, at)
  }

  bool(value: boolean): void {
    const at = this.claim(1)
    this.#buffer[at] = value ? 1 : 0
  }

  uvarint(value: number): void {
    let rest = value
    while (rest >= 0x80) {
      const at = this.claim(1)
      this.#buffer[at] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    const at = this.claim(1)
    this.#buffer[at] = rest
  }

  /** Zigzag, for 32-bit and for safe 64-bit integers alike: the encoding is the same. */
  varint(value: number): void {
    const half = halfZigzag(value)
    const low = ((half & 0x3f) << 1) | (value < 0 ? 1 : 0)
    const at = this.claim(1)
    if (half < 0x40) {
      this.#buffer[at] = low
      return
    }
    this.#buffer[at] = low | 0x80
    this.uvarint(Math.floor(half / 0x40))
  }

  uuid(value: string): void {
    const at = this.claim(16)
    const hex = value.replaceAll('-', '')
    if (hex.length !== 32 || this.#buffer.write(hex, at, 'hex') !== 16) throw new MalformedError(`not a uuid: ${value}`)
  }

  string(value: string): void {
    const length = Buffer.byteLength(value)
    if (length > MAX_INT16) throw new MalformedError(`a string of ${length} bytes exceeds ${MAX_INT16}`)
    this.int16(length)
    this.text(value, length)
  }

  nullableString(value: string | null): void {
    if (value === null) this.int16(-1)
    else this.string(value)
  }

  compactString(value: string): void {
    const length = Buffer.byteLength(value)
    this.uvarint(length + 1)
    this.text(value, length)
  }

  compactNullableString(value: string | null): void {
    if (value === null) this.uvarint(0)
    else this.compactString(value)
  }

  bytes(value: Buffer): void {
    this.int32(value.length)
    this.raw(value)
  }

  nullableBytes(value: Buffer | null): void {
    if (value === null) this.int32(-1)
    else this.bytes(value)
  }

  compactBytes(value: Buffer): void {
    this.uvarint(value.length + 1)
    this.raw(value)
  }

  compactNullableBytes(value: Buffer | null): void {
    if (value === null) this.uvarint(0)
    else this.compactBytes(value)
  }

  /** -1 means null. */
  arrayLength(length: number): void {
    this.int32(length)
  }

  compactArrayLength(length: number): void {
    this.uvarint(length + 1)
  }

  raw(value: Buffer): void {
    const at = this.claim(value.length)
    value.copy(this.#buffer, at)
  }

  /** `length` is the length of the text in UTF-8. */
  text(value: string, length: number): void {
    const at = this.claim(length)
    this.#buffer.write(value, at, length, 'utf8')
  }
}

/**
 * The zigzag form of a safe integer without its last bit, which is 1 for a negative one. The whole form has a bit more than the integer:
 * below -2^52 it is no safe integer.
 */
export function halfZigzag(value: number): number {
  return value < 0 ? -value - 1 : value
}

/** Writes a safe integer as an int64; `INT64_MAX` becomes Long.MAX. */
export function writeInt64(buffer: Buffer, at: number, value: number): void {
  if (value === INT64_MAX) {
    buffer.writeInt32BE(0x7fffffff, at)
    buffer.writeUInt32BE(0xffffffff, at + 4)
    return
  }
  if (!Number.isSafeInteger(value)) throw new MalformedError(`${value} is not a safe integer`)
  const high = Math.floor(value / TWO_POW_32)
  buffer.writeInt32BE(high, at)
  buffer.writeUInt32BE(value - high * TWO_POW_32, at + 4)
}
