/** Reads a journal piece by piece: a start needs the same memory at any length of the journal. */

import { BrokenLogError } from './api-error.ts'
import type { Files } from './files.ts'
import { decodeEntries, frameAt, frameBytesAt, isFrameAfter, type JournalEntry } from './journal-format.ts'

export type JournalEnd = { readonly path: string; readonly end: number; readonly torn: number }

const chunkBytes = 4 * 1024 * 1024

/**
 * Returns the entries of each frame, in order; they are views on a buffer that is reused. At the end it returns the position of the
 * next frame, and the number of bytes of a torn one.
 * @throws BrokenLogError at a damaged frame that whole frames follow
 */
export function* readJournal(
  files: Files,
  path: string,
  generation: number,
): Generator<readonly JournalEntry[], JournalEnd> {
  const size = files.sizeOf(path) ?? 0
  const fd = files.openForReading(path)
  try {
    let chunk = Buffer.allocUnsafeSlow(Math.min(size, chunkBytes))
    let [position, sequence] = [0, 0]
    while (position < size) {
      const bytes = chunk.subarray(0, files.readNow(fd, chunk.subarray(0, size - position), position))
      let at = 0
      for (let frame = frameAt(bytes, 0, generation); frame !== undefined; frame = frameAt(bytes, at, generation)) {
        if (frame.sequence !== sequence++) throw broken(path, position + at)
        yield decodeEntries(frame.body)
        at += frameBytesAt(bytes, at, generation) ?? 0
      }
      position += at
      if (at > 0) continue
      // Not a single frame: it is longer than the chunk, or incomplete.
      const needed = frameBytesAt(bytes, 0, generation) ?? 0
      if (bytes.length >= needed || position + needed > size) break
      chunk = Buffer.allocUnsafeSlow(needed)
    }
    if (position < size) checkTorn(files, { fd, path, position, size, generation })
    return { path, end: position, torn: size - position }
  } finally {
    files.close(fd)
  }
}

function checkTorn(
  files: Files,
  tail: { fd: number; path: string; position: number; size: number; generation: number },
): void {
  const rest = Buffer.allocUnsafeSlow(tail.size - tail.position)
  files.readNow(tail.fd, rest, tail.position)
  if (isFrameAfter(rest, 0, tail.generation)) throw broken(tail.path, tail.position)
}

export function broken(path: string, position: number): BrokenLogError {
  return new BrokenLogError(`The journal ${path} is broken at byte ${position}: what follows was written after it`)
}
