/**
 * A row of an index of offsets. Its key ends with the first offset (row-keys.ts); its value is empty if that is the only one, else
 *
 *     how many (2 bytes) │ the last one (6 bytes) │ gaps from each to the next (LEB128)
 *
 * so that a further one is written behind the gaps without reading them.
 */
import type { LocalEntry } from '@streampay/local-store'
import { placeOf } from './row-keys.ts'

export const mostOfRow = 512

const lastAt = 2
const headerBytes = 8
/** The size of a gap of 53 bits. */
const mostGapBytes = 8
const gapBuffer = Buffer.alloc(headerBytes + mostOfRow * mostGapBytes)
const noBytes = Buffer.alloc(0)

/** @param offsets ascending, at most `mostOfRow`; the first one belongs into the key */
export function rowOf(offsets: Float64Array): Buffer {
  if (offsets.length < 2) return noBytes
  const end = writeGaps(offsets.subarray(1), { after: offsets[0] ?? 0, at: headerBytes })
  return finished(end, offsets.length, offsets.at(-1) ?? 0)
}

/**
 * The value with these offsets appended. @param offsets ascending, at least one, behind the last one; with those of the row at most
 * `mostOfRow`
 */
export function appended({ key, value }: LocalEntry, offsets: Float64Array): Buffer {
  const gaps = value.subarray(Math.min(headerBytes, value.length))
  gaps.copy(gapBuffer, headerBytes)
  const end = writeGaps(offsets, { after: lastOf({ key, value }), at: headerBytes + gaps.length })
  return finished(end, countOf(value) + offsets.length, offsets.at(-1) ?? 0)
}

export function countOf(value: Buffer): number {
  return value.length === 0 ? 1 : value.readUInt16BE(0)
}

export function lastOf({ key, value }: LocalEntry): number {
  return value.length === 0 ? placeOf(key).offset : value.readUIntBE(lastAt, headerBytes - lastAt)
}

export function offsetsOf({ key, value }: LocalEntry): number[] {
  let { offset } = placeOf(key)
  const offsets = [offset]
  let gap = 0
  let unit = 1
  for (let at = headerBytes; at < value.length; at++) {
    const byte = value[at] ?? 0
    gap += (byte & 0x7f) * unit
    unit *= 0x80
    if (byte >= 0x80) continue
    offset += gap
    offsets.push(offset)
    gap = 0
    unit = 1
  }
  return offsets
}

/** Into the buffer, from `at`. @returns where they end */
function writeGaps(offsets: Float64Array, { after, at }: { readonly after: number; readonly at: number }): number {
  let end = at
  let before = after
  for (const offset of offsets) {
    let gap = offset - before
    while (gap >= 0x80) {
      gapBuffer[end++] = (gap % 0x80) | 0x80
      gap = Math.floor(gap / 0x80)
    }
    gapBuffer[end++] = gap
    before = offset
  }
  return end
}

function finished(end: number, count: number, last: number): Buffer {
  gapBuffer.writeUInt16BE(count, 0)
  gapBuffer.writeUIntBE(last, lastAt, headerBytes - lastAt)
  return Buffer.from(gapBuffer.subarray(0, end))
}
