/**
 * The keys of rows: bytes by which the rows are sorted. A text of any length becomes an id that is not a prefix of any other id, so
 * that the rows of one identity are a range of their own (INV-6), for any other identity.
 */
import { createHash } from 'node:crypto'

/** A text of up to this number of bytes is stored unchanged in a key; a longer one as its SHA-256. */
const longestId = 128
const hashed = 0xff

/** The kind of a row: its first byte. */
export const rowKinds = { note: 0, record: 1, group: 2, leaving: 3, word: 4, offsets: 5 } as const

/** Length and bytes, or 255 and a digest. */
export function idOf(text: string): Buffer {
  const length = Buffer.byteLength(text)
  if (length > longestId) return Buffer.concat([Buffer.of(hashed), createHash('sha256').update(text).digest()])
  const id = Buffer.allocUnsafe(1 + length)
  writeShortId(id, 0, text)
  return id
}

/** Returns the end of the id. */
function writeShortId(target: Buffer, at: number, text: string): number {
  const length = target.write(text, at + 1)
  target[at] = length
  return at + 1 + length
}

/** Whether the text can be read from its id. */
export function isShort(text: string): boolean {
  return Buffer.byteLength(text) <= longestId
}

/** All rows of a group, in the order of partition and offset. */
export function placeKey(prefix: Buffer, partition: number, offset: number): Buffer {
  const key = Buffer.allocUnsafe(prefix.length + placeBytes)
  prefix.copy(key)
  writePlace(key, partition, offset)
  return key
}

/** The partition and offset at the end of a key. */
function writePlace(key: Buffer, partition: number, offset: number): void {
  const at = key.length - placeBytes
  key.writeUInt16BE(partition, at)
  key.writeUIntBE(offset, at + 2, 6)
}

/** The same for a text behind a prefix, created in one step. */
export function textPlaceKey(
  prefix: Buffer,
  text: string,
  { partition, offset }: { readonly partition: number; readonly offset: number },
): Buffer {
  const length = Buffer.byteLength(text)
  if (length > longestId) return placeKey(Buffer.concat([prefix, idOf(text)]), partition, offset)
  const key = Buffer.allocUnsafe(prefix.length + 1 + length + placeBytes)
  prefix.copy(key)
  writeShortId(key, prefix.length, text)
  writePlace(key, partition, offset)
  return key
}

/** The size of partition and offset, at the end of a key. */
export const placeBytes = 8

export function placeOf(key: Buffer): { readonly partition: number; readonly offset: number } {
  const at = key.length - placeBytes
  return { partition: key.readUInt16BE(at), offset: key.readUIntBE(at + 2, 6) }
}
