/**
 * The journal's bytes. The journal is a sequence of frames, each with the entries of one group commit:
 *
 *     frame: magic u32 · body length u32 · crc32 u32 · generation u32 · sequence f64 · body
 *     body:  entries, each: kind u8 · length u32 · content
 *
 * The checksum covers all bytes after itself. A frame is written only after the frame before it is durable. So an
 * invalid frame is the torn tail of a crash if no whole frame follows; if one does, durable
 * bytes have been changed, and the log is broken.
 */

import { crc32 } from 'node:zlib'
import type { TopicInfo } from './types.ts'

export type JournalEntry =
  | { readonly kind: 'append'; readonly topicId: string; readonly partition: number; readonly batch: Buffer }
  | { readonly kind: 'log-start'; readonly topicId: string; readonly partition: number; readonly offset: number }
  /** Created or changed: the topic with its new values. */
  | { readonly kind: 'topic'; readonly topic: TopicInfo }
  | { readonly kind: 'topic-deleted'; readonly topicId: string }
  /** Ids below `next` may have been given out. */
  | { readonly kind: 'producer-ids'; readonly next: number }

export type EncodedEntry = { readonly buffers: readonly Buffer[]; readonly bytes: number }

export type Frame = { readonly body: Buffer; readonly sequence: number }

export const frameHeaderBytes = 24
const magic = 0x53504a31 // "SPJ1"
const entryHeaderBytes = 5
const idBytes = 16
const appendHeaderBytes = entryHeaderBytes + idBytes + 4
const appendKind = 1
const jsonKind = 2

export function encodeEntry(entry: JournalEntry): EncodedEntry {
  if (entry.kind !== 'append') {
    const content = Buffer.from(JSON.stringify(entry))
    const header = Buffer.allocUnsafe(entryHeaderBytes)
    header.writeUInt8(jsonKind, 0)
    header.writeUInt32BE(content.length, 1)
    return { buffers: [header, content], bytes: header.length + content.length }
  }
  const header = Buffer.allocUnsafe(appendHeaderBytes)
  header.writeUInt8(appendKind, 0)
  header.writeUInt32BE(idBytes + 4 + entry.batch.length, 1)
  header.write(entry.topicId.replaceAll('-', ''), entryHeaderBytes, idBytes, 'hex')
  header.writeUInt32BE(entry.partition, entryHeaderBytes + idBytes)
  return { buffers: [header, entry.batch], bytes: header.length + entry.batch.length }
}

/** The header that goes before the buffers of the entries. */
export function encodeFrameHeader(
  entries: readonly Buffer[],
  frame: { readonly generation: number; readonly sequence: number },
): Buffer {
  const header = Buffer.allocUnsafe(frameHeaderBytes)
  header.writeUInt32BE(magic, 0)
  header.writeUInt32BE(
    entries.reduce((sum, buffer) => sum + buffer.length, 0),
    4,
  )
  header.writeUInt32BE(frame.generation, 12)
  header.writeDoubleBE(frame.sequence, 16)
  let checksum = crc32(header.subarray(12))
  for (const buffer of entries) checksum = crc32(buffer, checksum)
  header.writeUInt32BE(checksum, 8)
  return header
}

export function decodeEntries(body: Buffer): JournalEntry[] {
  const entries: JournalEntry[] = []
  for (let at = 0; at < body.length; ) {
    const content = body.subarray(at + entryHeaderBytes, at + entryHeaderBytes + body.readUInt32BE(at + 1))
    entries.push(body.readUInt8(at) === appendKind ? decodeAppend(content) : JSON.parse(content.toString()))
    at += entryHeaderBytes + content.length
  }
  return entries
}

function decodeAppend(content: Buffer): JournalEntry {
  const hex = content.toString('hex', 0, idBytes)
  const topicId = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
  return { kind: 'append', topicId, partition: content.readUInt32BE(idBytes), batch: content.subarray(idBytes + 4) }
}

/** The length in the frame's header; undefined if the header is not complete, or does not belong to this journal. */
export function frameBytesAt(bytes: Buffer, at: number, generation: number): number | undefined {
  if (at + frameHeaderBytes > bytes.length || bytes.readUInt32BE(at) !== magic) return undefined
  return bytes.readUInt32BE(at + 12) === generation ? frameHeaderBytes + bytes.readUInt32BE(at + 4) : undefined
}

/** Undefined if there is no whole and undamaged frame. Its body is a view on `bytes`. */
export function frameAt(bytes: Buffer, at: number, generation: number): Frame | undefined {
  const length = frameBytesAt(bytes, at, generation)
  if (length === undefined || at + length > bytes.length) return undefined
  if (crc32(bytes.subarray(at + 12, at + length)) !== bytes.readUInt32BE(at + 8)) return undefined
  return { body: bytes.subarray(at + frameHeaderBytes, at + length), sequence: bytes.readDoubleBE(at + 16) }
}

/** Whether a whole frame begins anywhere after the position. */
export function isFrameAfter(bytes: Buffer, at: number, generation: number): boolean {
  const mark = Buffer.allocUnsafe(4)
  mark.writeUInt32BE(magic, 0)
  for (let next = bytes.indexOf(mark, at + 1); next !== -1; next = bytes.indexOf(mark, next + 1)) {
    if (frameAt(bytes, next, generation) !== undefined) return true
  }
  return false
}
