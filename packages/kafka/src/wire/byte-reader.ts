/**
 * Reads the primitive types of the Kafka protocol from one buffer.
 *
 * Every read is checked against the end of the buffer, and every length against the remaining bytes: a malformed
 * message can neither read foreign memory nor cause a large allocation by a false length. Strings are copied;
 * `bytes` are views on the input.
 *
 * Source: https://kafka.apache.org/protocol.html#protocol_types
 */
import { MalformedError } from './malformed.ts'

const TWO_POW_32 = 0x1_0000_0000

/** Kafka's Long.MAX_VALUE, a sentinel in many messages, has no exact JS number: this number replaces it. */
export const INT64_MAX = Number.MAX_SAFE_INTEGER

export class ByteReader {
  readonly buffer: Buffer
  position: number
  readonly end: number

  constructor(buffer: Buffer, position = 0, end = buffer.length) {
    this.buffer = buffer
    this.position = position
    this.end = end
  }

  /** Moves past `length` bytes and returns where they begin. */
  take(length: number): number {
    const at = this.position
    if (length < 0 || length > this.end - at) {
      throw new MalformedError(`needs ${length} bytes at ${at}, but only ${this.end - at} are left`)
    }
    this.position = at + length
    return at
  }

  int8(): number {
    return this.buffer.readInt8(this.take(1))
  }

  int16(): number {
    return this.buffer.readInt16BE(this.take(2))
  }

  int32(): number {
    return this.buffer.readInt32BE(this.take(4))
  }

  int64(): number {
    const at = this.take(8)
    return int64At(this.buffer, at)
  }

  float64(): number {
    return this.buffer.readDoubleBE(this.take(8))
  }

  bool(): boolean {
    return this.buffer.readInt8(this.take(1)) !== 0
  }

  /** An unsigned varint of at most 32 bits. */
  uvarint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.buffer.readUInt8(this.take(1))
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) {
        if (value >= TWO_POW_32) break
        return value
      }
    }
    throw new MalformedError(`varint at ${this.position} is longer than 32 bits`)
  }

  uuid(): string {
    const at = this.take(16)
    const hex = this.buffer.toString('hex', at, at + 16)
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
  }

  string(): string {
    return this.#text(this.int16()) ?? refuseNull('string')
  }

  nullableString(): string | null {
    return this.#text(this.int16())
  }

  compactString(): string {
    return this.#text(this.uvarint() - 1) ?? refuseNull('string')
  }

  compactNullableString(): string | null {
    return this.#text(this.uvarint() - 1)
  }

  bytes(): Buffer {
    return this.#view(this.int32()) ?? refuseNull('bytes')
  }

  nullableBytes(): Buffer | null {
    return this.#view(this.int32())
  }

  compactBytes(): Buffer {
    return this.#view(this.uvarint() - 1) ?? refuseNull('bytes')
  }

  compactNullableBytes(): Buffer | null {
    return this.#view(this.uvarint() - 1)
  }

  /** The number of items that follow, or -1 for null. Each item has at least one byte. */
  arrayLength(): number {
    return this.#count(this.int32())
  }

  compactArrayLength(): number {
    return this.#count(this.uvarint() - 1)
  }

  /** Skips the tagged fields at the end of a structure whose layout has none. */
  skipTags(): void {
    for (let count = this.uvarint(); count > 0; count--) {
      this.uvarint()
      this.take(this.uvarint())
    }
  }

  #count(length: number): number {
    if (length > this.end - this.position) {
      throw new MalformedError(`an array of ${length} items can't fit into the ${this.end - this.position} bytes left`)
    }
    if (length < -1) throw new MalformedError(`array length ${length}`)
    return length
  }

  #text(length: number): string | null {
    if (length === -1) return null
    const at = this.take(length)
    return this.buffer.toString('utf8', at, at + length)
  }

  #view(length: number): Buffer | null {
    if (length === -1) return null
    const at = this.take(length)
    return this.buffer.subarray(at, at + length)
  }
}

/** Reads an int64 as a safe integer; Long.MAX becomes `INT64_MAX`. */
export function int64At(buffer: Buffer, at: number): number {
  const high = buffer.readInt32BE(at)
  const low = buffer.readUInt32BE(at + 4)
  if (high === 0x7fffffff && low === 0xffffffff) return INT64_MAX
  const value = high * TWO_POW_32 + low
  if (!Number.isSafeInteger(value)) throw new MalformedError(`int64 at ${at} is not a safe integer`)
  return value
}

function refuseNull(what: string): never {
  throw new MalformedError(`null where a ${what} is required`)
}
