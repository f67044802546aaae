/** The note beside the data file: it decides, before that file is opened, whether the data is used. */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, statSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

export type Note = {
  /** The name under which the data is kept. */
  readonly format: string
  /** The same id as in the data file, to show that the two belong together. */
  readonly id: string
  /** Whether it was closed, and so written to the disk, and not opened since. */
  readonly isClosed: boolean
  /** The boot of the machine in which it was opened; null if that is not known. */
  readonly bootId: string | null
  /** Distinguishes the data file from a copy of it. */
  readonly file: string
  /** The length of the data file: until the next opening it only grows. */
  readonly bytes: number
  /** The number of openings that did not finish since the last one that did: the process ended during them. */
  readonly openings: number
  /** The damage that LMDB reported while the file was in use; null for none. */
  readonly damage: string | null
}

/** @returns undefined if there is none @throws Error if it can't be read or has other content */
export function readNote(path: string): Note | undefined {
  const text = textIfThere(path)
  if (text === undefined) return undefined
  const note: unknown = JSON.parse(text)
  if (isNote(note)) return note
  throw new Error(`${path} has no note of a store`)
}

/** Longer than any note, so that a later note needs no more space: a full disk can't prevent closing a store. */
const noteBytes = 2048

/** The note is on the disk when this returns. A note that a power loss cuts is no valid JSON, and the data is then not used. */
export function writeNote(path: string, note: Note): void {
  const fd = openSync(path, existsSync(path) ? 'r+' : 'wx', 0o600)
  try {
    writeSync(fd, `${JSON.stringify(note).padEnd(noteBytes)}\n`, 0)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  syncFolder(dirname(path))
}

/** A different value for each file ever created, copies included. */
export function identityOf(path: string): string {
  const { ino, birthtimeNs } = statSync(path, { bigint: true })
  return `${ino}-${birthtimeNs}`
}

function textIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

function isNote(value: unknown): value is Note {
  if (typeof value !== 'object' || value === null) return false
  const { format, id, isClosed, bootId, file, bytes, openings, damage } = value as Record<keyof Note, unknown>
  const texts = [format, id, file].every((text) => typeof text === 'string')
  const numbers = [bytes, openings].every((number) => typeof number === 'number')
  const optionalTexts = [bootId, damage].every((text) => text === null || typeof text === 'string')
  return texts && numbers && optionalTexts && typeof isClosed === 'boolean'
}

function syncFolder(path: string): void {
  // Windows opens no folders; NTFS keeps a journal of names.
  if (process.platform === 'win32') return
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
