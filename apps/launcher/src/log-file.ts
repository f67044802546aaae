import { closeSync, constants, fstatSync, openSync, renameSync, writeSync } from 'node:fs'
import { makeOwnerOnly } from './owner-only.ts'

export type LogFile = {
  /** Never throws: what can't be written is counted and dropped. */
  write(chunk: Buffer): void
  close(): void
}

export type LogFileOptions = {
  readonly maxBytes?: number
  /** Called once, with a sentence, the first time that something can't be written. */
  readonly onTrouble: (sentence: string) => void
}

const defaultMaxBytes = 16 * 1024 * 1024
/** Lines may contain names and amounts: only the user who started StreamPay may read them. */
const mode = 0o600
/** Not blocking: opening a pipe that has no reader would otherwise wait for one. */
const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | (constants.O_NONBLOCK ?? 0)

/**
 * Appends to a file of bounded size: when it is full it is renamed to `<path>.1`, which replaces the one before. Writes
 * are synchronous: the little that services log must be there after a crash, and in order. A file that can't be written
 * stops nothing: each chunk is another attempt, and before the first one that succeeds a line says how much was lost.
 */
export function openLogFile(path: string, { maxBytes = defaultMaxBytes, onTrouble }: LogFileOptions): LogFile {
  let file: number | undefined
  let size = 0
  let lostBytes = 0
  let isTold = false
  let isClosed = false

  const trouble = (error: unknown, bytes: number): void => {
    lostBytes += bytes
    if (isTold) return
    isTold = true
    const reason = error instanceof Error ? error.message : String(error)
    onTrouble(`its log file can't be written, so lines are lost: ${reason}.`)
  }
  const open = (): number => {
    file ??= openForAppending(path)
    size = fstatSync(file).size
    return file
  }
  const putAside = (): void => {
    if (file !== undefined) closeSync(file)
    file = undefined
    renameSync(path, `${path}.1`)
  }
  const append = (chunk: Buffer): void => {
    let written = 0
    try {
      if (size > 0 && size + chunk.length > maxBytes) putAside()
      const target = file ?? open()
      while (written < chunk.length) written += writeSync(target, chunk, written)
      size += written
    } catch (error) {
      size += written
      trouble(error, chunk.length - written)
    }
  }
  try {
    open()
  } catch (error) {
    trouble(error, 0)
  }
  return {
    write(chunk) {
      // What a child still had in its pipe when everything closed.
      if (isClosed) return
      const lost = lostBytes
      if (lost === 0) return append(chunk)
      lostBytes = 0
      append(Buffer.concat([Buffer.from(`… ${lost} bytes of this log could not be written.\n`), chunk]))
      if (lostBytes > 0) lostBytes = lost + chunk.length
    },
    close() {
      if (isClosed) return
      isClosed = true
      if (file !== undefined) closeSync(file)
    },
  }
}

function openForAppending(path: string): number {
  const file = openSync(path, flags, mode)
  try {
    if (fstatSync(file).isFile()) makeOwnerOnly(path, mode)
  } catch (error) {
    closeSync(file)
    throw error
  }
  return file
}
