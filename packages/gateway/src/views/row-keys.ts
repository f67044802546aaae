/**
 * The keys of rows: bytes in whose order the rows lie. A text of any length becomes an id that no other id begins with, so that
 * the rows of one identity are a range of their own (INV-6), however the next identity is written.
 */
import { createHash } from 'node:crypto'

/** Bytes of a text that stand in a key as they are; of a longer one, its SHA-256. */
const longestId = 128
const hashed = 0xff

/** What a row is; its first byte. */
export const rowKinds = { note: 0, record: 1, group: 2, leaving: 3, word: 4, offsets: 5 } as const

/** Length and bytes, or 255 and a digest. */
export function idOf(text: string): Buffer {
  const length = Buffer.byteLength(text)
  if (length > longestId) return Buffer.concat([Buffer.of(hashed), createHash('sha256').update(text).digest()])
  const id = Buffer.allocUnsafe(1 + length)
  writeShortId(id, 0, text)
  return id
}

/** Returns where it ends. */
function writeShortId(target: Buffer, at: number, text: string): number {
  const length = target.write(text, at + 1)
  target[at] = length
  return at + 1 + length
}

/** Whether the text can be read from its id. */
export function isShort(text: string): boolean {
  return Buffer.byteLength(text) <= longestId
}

/** All that lie in a group, in the order of partition and offset. */
export function placeKey(prefix: Buffer, partition: number, offset: number): Buffer {
  const key = Buffer.allocUnsafe(prefix.length + placeBytes)
  prefix.copy(key)
  writePlace(key, partition, offset)
  return key
}

/** At the end of the key. */
function writePlace(key: Buffer, partition: number, offset: number): void {
  const at = key.length - placeBytes
  key.writeUInt16BE(partition, at)
  key.writeUIntBE(offset, at + 2, 6)
}

/** The same for a text behind a prefix, made at once. */
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

/** Of partition and offset, at the end of a key. */
export const placeBytes = 8

export function placeOf(key: Buffer): { readonly partition: number; readonly offset: number } {
  const at = key.length - placeBytes
  return { partition: key.readUInt16BE(at), offset: key.readUIntBE(at + 2, 6) }
}
