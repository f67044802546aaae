import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs'

export type LogFile = {
  write(chunk: Buffer): void
  close(): void
}

const defaultMaxBytes = 16 * 1024 * 1024

/**
 * Appends to a file that never grows without bound: when it is full it is put aside as `<path>.1`, replacing the one
 * before. Writes are synchronous: the little that services log must be there after a crash, and in order.
 */
export function openLogFile(path: string, maxBytes = defaultMaxBytes): LogFile {
  let file = openSync(path, 'a')
  let size = fstatSync(file).size
  let closed = false
  return {
    write(chunk) {
      // What a child still had in its pipe when everything closed.
      if (closed) return
      if (size > 0 && size + chunk.length > maxBytes) {
        closeSync(file)
        renameSync(path, `${path}.1`)
        file = openSync(path, 'a')
        size = 0
      }
      size += writeSync(file, chunk)
    },
    close() {
      if (closed) return
      closed = true
      closeSync(file)
    },
  }
}
