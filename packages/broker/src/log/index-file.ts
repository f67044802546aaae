/**
 * The file of a segment's index, beside the segment: blocks, one for each checkpoint before which the segment grew.
 *
 *     magic u32 · entries u32 · aborted u32 · open u32 · end offset f64 · max timestamp f64
 *     entries:  offset f64 · position u32 · max timestamp before f64
 *     aborted:  producer id f64 · first offset f64 · marker f64 · floor f64
 *     open:     producer id f64 · first offset f64
 *
 * The checkpoint has the number of its valid bytes, and their checksum, which also covers the name of the segment, its
 * topic and its partition. So a file that is torn, stale, newer than the log, or that of another segment is not used;
 * its content is then rebuilt from the log. It is never synced, except once, when its segment is closed.
 */

import { crc32 } from 'node:zlib'
import type { Files } from './files.ts'
import { SegmentIndex } from './segment-index.ts'

/** The checkpoint's data about it. */
export type IndexState = {
  readonly bytes: number
  readonly crc: number
  /** How many bytes of the segment it covers. */
  readonly covers: number
  /** The marker of the last aborted transaction, or -1. */
  readonly lastAborted: number
  /** No transaction that is aborted after it begins before this offset. */
  readonly floor: number
  /** The position of the last entry: from here on batches can be read in order. */
  readonly lastPosition: number
}

export type IndexPlace = { readonly files: Files; readonly path: string; readonly identity: string }

const magic = 0x53504932 // "SPI2"
const headerBytes = 32
const entryBytes = 20
const abortedBytes = 32
const openBytes = 16

export function indexPath(segmentPath: string): string {
  return segmentPath.replace(/\.log$/, '.index')
}

export function emptyIndexState(identity: string): IndexState {
  return { bytes: 0, crc: crc32(identity), covers: 0, lastAborted: -1, floor: 0, lastPosition: 0 }
}

/** The whole index as one block. */
export function encodeIndexBlock(index: SegmentIndex): Buffer {
  const { entryCount, abortedCount, open } = index
  const size = headerBytes + entryCount * entryBytes + abortedCount * abortedBytes + open.length * openBytes
  const block = Buffer.allocUnsafeSlow(size)
  block.writeUInt32BE(magic, 0)
  block.writeUInt32BE(entryCount, 4)
  block.writeUInt32BE(abortedCount, 8)
  block.writeUInt32BE(open.length, 12)
  block.writeDoubleBE(index.endOffset, 16)
  block.writeDoubleBE(index.maxTimestamp, 24)
  let at = headerBytes
  for (let count = 0; count < entryCount; count++) {
    const { offset, position, timestampBefore } = index.entry(count)
    block.writeDoubleBE(offset, at)
    block.writeUInt32BE(position, at + 8)
    at = block.writeDoubleBE(timestampBefore, at + 12)
  }
  for (let count = 0; count < abortedCount; count++) {
    const { producerId, firstOffset, lastOffset, floor } = index.aborted(count)
    for (const field of [producerId, firstOffset, lastOffset, floor]) at = block.writeDoubleBE(field, at)
  }
  for (const { producerId, firstOffset } of open) {
    at = block.writeDoubleBE(firstOffset, block.writeDoubleBE(producerId, at))
  }
  return block
}

/** Writes a block behind the valid bytes, and cuts off older bytes there. From now on the state has the number of valid bytes. */
export function appendIndexBlock(
  place: IndexPlace,
  state: IndexState,
  added: { readonly block: Buffer; readonly covers: number; readonly index: SegmentIndex },
): IndexState {
  const { files, path } = place
  const fd = files.open(path)
  try {
    files.truncate(fd, state.bytes)
    files.write(fd, [added.block], state.bytes)
  } finally {
    files.close(fd)
  }
  const { lastAborted, floor, lastPosition } = added.index
  return {
    bytes: state.bytes + added.block.length,
    crc: crc32(added.block, state.crc),
    covers: added.covers,
    lastAborted: Math.max(state.lastAborted, lastAborted),
    floor,
    lastPosition: Math.max(state.lastPosition, lastPosition),
  }
}

export async function syncIndex({ files, path }: IndexPlace): Promise<void> {
  const fd = files.open(path)
  try {
    await files.sync(fd)
  } finally {
    files.close(fd)
  }
}

/** Undefined if the file doesn't match the state. */
export async function readIndexFile(
  place: IndexPlace,
  state: IndexState,
  intervalBytes: number,
): Promise<SegmentIndex | undefined> {
  const { files, path, identity } = place
  if ((files.sizeOf(path) ?? 0) < state.bytes) return undefined
  const bytes = Buffer.allocUnsafeSlow(state.bytes)
  const fd = files.openForReading(path)
  try {
    if ((await files.read(fd, bytes, 0)) < state.bytes) return undefined
  } finally {
    files.close(fd)
  }
  if (crc32(bytes, crc32(identity)) !== state.crc) return undefined
  const index = new SegmentIndex(intervalBytes)
  for (let at = 0; at < bytes.length; ) {
    const next = decodeBlock(bytes, at, index)
    if (next === undefined) return undefined
    at = next
  }
  return index
}

/** Adds a block to the index. Returns the position behind it; undefined if there is none. */
function decodeBlock(bytes: Buffer, start: number, index: SegmentIndex): number | undefined {
  if (start + headerBytes > bytes.length || bytes.readUInt32BE(start) !== magic) return undefined
  const [entries, aborted, open] = [4, 8, 12].map((at) => bytes.readUInt32BE(start + at)) as [number, number, number]
  let at = start + headerBytes
  const end = at + entries * entryBytes + aborted * abortedBytes + open * openBytes
  if (end > bytes.length) return undefined
  for (let count = 0; count < entries; count++, at += entryBytes) {
    const entry = { offset: bytes.readDoubleBE(at), position: bytes.readUInt32BE(at + 8) }
    index.addEntry(entry, bytes.readDoubleBE(at + 12))
  }
  for (let count = 0; count < aborted; count++, at += abortedBytes) {
    index.addAborted({
      producerId: bytes.readDoubleBE(at),
      firstOffset: bytes.readDoubleBE(at + 8),
      lastOffset: bytes.readDoubleBE(at + 16),
      floor: bytes.readDoubleBE(at + 24),
    })
  }
  const last = []
  for (let count = 0; count < open; count++, at += openBytes) {
    last.push({ producerId: bytes.readDoubleBE(at), firstOffset: bytes.readDoubleBE(at + 8) })
  }
  const [endOffset, maxTimestamp] = [bytes.readDoubleBE(start + 16), bytes.readDoubleBE(start + 24)]
  index.endAt({ open: last, endOffset, maxTimestamp })
  return end
}
