import { verifyCrc } from '@streampay/kafka/wire'
import { BrokenLogError } from './api-error.ts'
import { batchBytesAt, batchHeaderBytes, magicAt } from './batch-view.ts'

/** Reads at a position into a buffer; fewer bytes than requested mean the end of the file. */
export type ReadAt = (buffer: Buffer, position: number) => Promise<number>

export type ScanRange = {
  /** The position of a batch. */
  readonly from: number
  /** Called repeatedly, because a segment may grow during the scan. */
  readonly end: () => number
  readonly verify: boolean
  /** The name of the file in errors. */
  readonly path: string
}

const chunkBytes = 1024 * 1024

/**
 * Visits whole batches in order until the visitor returns true. `bytes` is reused: copy it to keep it.
 * @throws BrokenLogError at an impossible batch, or one whose checksum is wrong (`verify`)
 */
export async function scanBatches(
  readAt: ReadAt,
  range: ScanRange,
  visit: (bytes: Buffer, at: number, position: number) => boolean | undefined,
): Promise<void> {
  let buffer = Buffer.allocUnsafe(Math.min(chunkBytes, Math.max(range.end() - range.from, batchHeaderBytes)))
  let position = range.from
  while (position < range.end()) {
    const length = await readAt(buffer, position)
    const chunk = buffer.subarray(0, Math.min(length, range.end() - position))
    let at = 0
    for (; at + batchHeaderBytes <= chunk.length; at += batchBytesAt(chunk, at)) {
      const bytes = checkedBatchBytes(chunk, at, { position: position + at, path: range.path })
      if (at + bytes > chunk.length) break
      if (range.verify && !verifyCrc(chunk, at)) throw broken(range.path, position + at, 'its checksum is wrong')
      if (visit(chunk, at, position + at)) return
    }
    if (at === 0) {
      const needed = chunk.length >= batchHeaderBytes ? batchBytesAt(chunk, 0) : batchHeaderBytes
      if (position + needed > range.end()) throw broken(range.path, position, 'it ends in the middle of a batch')
      if (length < buffer.length) throw broken(range.path, position, 'the file is shorter than it was')
      buffer = Buffer.allocUnsafe(Math.max(needed, chunkBytes))
    }
    position += at
  }
}

function checkedBatchBytes(chunk: Buffer, at: number, where: { position: number; path: string }): number {
  const bytes = batchBytesAt(chunk, at)
  if (bytes < batchHeaderBytes || magicAt(chunk, at) !== 2) {
    throw broken(where.path, where.position, 'there is no record batch where one should begin')
  }
  return bytes
}

function broken(path: string, position: number, what: string): BrokenLogError {
  return new BrokenLogError(`The log file ${path} is broken at byte ${position}: ${what}`)
}
