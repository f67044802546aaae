/** What is noted beside the data file, so that it is known before that file is opened whether to believe it. */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, statSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

export type Note = {
  /** Under which name it is kept. */
  readonly format: string
  /** The same as in the data file: the two belong together. */
  readonly id: string
  /** Whether it was closed, and so written to the disk, and not opened since. */
  readonly isClosed: boolean
  /** During which run of the machine it was opened; null where that can't be told. */
  readonly bootId: string | null
  /** Tells the data file from a copy of it. */
  readonly file: string
  /** The length of the data file: until it is opened again it becomes longer, never shorter. */
  readonly bytes: number
  /** How often it was opened since an opening was last done: the process ended meanwhile. */
  readonly openings: number
  /** What LMDB told of the file while it was in use; null for nothing. */
  readonly damage: string | null
}

/** @returns undefined if there is none @throws Error when it can't be read or holds something else */
export function readNote(path: string): Note | undefined {
  const text = textIfThere(path)
  if (text === undefined) return undefined
  const note: unknown = JSON.parse(text)
  if (isNote(note)) return note
  throw new Error(`${path} holds no note of a store`)
}

/** Longer than any note, so that a later one takes no more room: a full disk can't keep a store from being closed. */
const noteBytes = 2048

/** On the disk when it returns. A note that is cut by a loss of power is no JSON any more, and the store not believed. */
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

/** Another one for each file that was ever made, a copy of it included. */
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
