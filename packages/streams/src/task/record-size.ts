/**
 * The largest number of bytes that a record takes in a batch, never less than its encoded size: lengths are varints, so many
 * small headers take far more than their names and values. Source: https://kafka.apache.org/documentation/#record
 */
import type { RecordToSend } from '@streampay/kafka'

/** The longest encodings of the record's length, attributes, and deltas of time and offset. */
const frameBytes = 5 + 1 + 10 + 5

type Data = Buffer | string | null

export function recordBytes({ key, value, headers = {} }: Pick<RecordToSend, 'key' | 'value' | 'headers'>): number {
  let bytes = frameBytes + dataBytes(key) + dataBytes(value)
  let count = 0
  for (const name in headers) {
    count++
    bytes += headerBytes(name, headers[name] ?? null)
  }
  return bytes + varintBytes(count)
}

export function headerBytes(name: string, value: Data): number {
  return dataBytes(name) + dataBytes(value)
}

/** The size with the length before it. */
export function dataBytes(data: Data): number {
  if (data === null) return 1
  const length = typeof data === 'string' ? Buffer.byteLength(data) : data.length
  return varintBytes(length) + length
}

/** The size of an encoded length: zigzag doubles it, and each byte has seven bits. */
function varintBytes(length: number): number {
  let bytes = 1
  for (let rest = length * 2; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes++
  return bytes
}
