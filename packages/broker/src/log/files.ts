/**
 * All file operations of the storage, so that tests can replace them by ones with torn writes, failing syncs and full
 * disks. Writes and small reads are synchronous: they use the page cache in about 2 µs, a tenth of the time of a call through
 * the thread pool. Operations that wait for the disk (`sync`, reads of old segments) are asynchronous.
 */

import * as fs from 'node:fs'
import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'

/** The file operations of the log. Tests pass their own, for example with writes that fail. Errors are thrown as Node throws them. */
export type Files = {
  /** Whether no other process can access them, so that their folder needs no lock. */
  readonly isOfThisProcess: boolean
  /** The size and the free bytes of the disk with the folder. */
  space(folder: string): Promise<{ readonly totalBytes: number; readonly usableBytes: number }>
  /** Creates a folder and its parents. Only the owner gets permissions, here and in `open`. */
  makeFolder(path: string): void
  /** Removes all permissions of other users from a file or folder, if it exists. */
  makePrivate(path: string): void
  /** The names in a folder, in no particular order. */
  list(folder: string): string[]
  /** Undefined if there is no such file. */
  sizeOf(path: string): number | undefined
  /** The whole content of a file. */
  readAll(path: string): Buffer
  /** Opens for reading and writing; creates the file if it doesn't exist. Returns the file descriptor. */
  open(path: string): number
  /** Opens for reading only. Returns the file descriptor. */
  openForReading(path: string): number
  /** The descriptor must not be used after that. */
  close(fd: number): void
  /** Writes all of `buffers` at `position`, or throws, in which case any part of them may have been written. */
  write(fd: number, buffers: readonly Buffer[], position: number): void
  /** Fills as much of `buffer` as the file has from `position`; resolves with the number of bytes read. */
  read(fd: number, buffer: Buffer, position: number): Promise<number>
  /** The same as `read`, synchronously. */
  readNow(fd: number, buffer: Buffer, position: number): number
  /** Cuts the file to this length, in bytes. */
  truncate(fd: number, length: number): void
  /** fdatasync: the data, and the size that is needed to read it. */
  sync(fd: number): Promise<void>
  /** The same, synchronously: for the rare case that a descriptor must be closed now. */
  syncNow(fd: number): void
  /** Makes created, renamed and removed names in the folder durable. */
  syncFolder(folder: string): Promise<void>
  /** Replaces a file with the new name. Durable only after `syncFolder`. */
  rename(from: string, to: string): void
  /** Durable only after `syncFolder`. */
  removeFile(path: string): void
  /** Removes a folder with its content. */
  removeFolder(path: string): void
}

const fdatasync = promisify(fs.fdatasync)
const readInto = promisify(fs.read) as unknown as (
  fd: number,
  buffer: Buffer,
  offset: number,
  length: number,
  position: number,
) => Promise<{ bytesRead: number }>

/** Linux allows 1,024 buffers in one vectored write (IOV_MAX). */
const maxBuffersPerWrite = 1024

export const nodeFiles: Files = {
  isOfThisProcess: false,
  space: spaceOf,
  makeFolder: (path) => void fs.mkdirSync(path, { recursive: true, mode: 0o700 }),
  makePrivate,
  list: (folder) => (fs.existsSync(folder) ? fs.readdirSync(folder) : []),
  sizeOf: (path) => fs.statSync(path, { throwIfNoEntry: false })?.size,
  readAll: (path) => fs.readFileSync(path),
  open: (path) => fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o600),
  openForReading: (path) => fs.openSync(path, 'r'),
  close: (fd) => fs.closeSync(fd),
  write: writeAll,
  read: readFully,
  readNow: (fd, buffer, position) => fs.readSync(fd, buffer, 0, buffer.length, position),
  truncate: (fd, length) => fs.ftruncateSync(fd, length),
  sync: (fd) => fdatasync(fd),
  syncNow: (fd) => fs.fdatasyncSync(fd),
  syncFolder: syncFolder,
  rename: (from, to) => fs.renameSync(from, to),
  removeFile: (path) => fs.rmSync(path, { force: true }),
  removeFolder: (path) => fs.rmSync(path, { force: true, recursive: true }),
}

async function spaceOf(folder: string) {
  const { bsize, blocks, bavail } = await statfs(folder)
  return { totalBytes: bsize * blocks, usableBytes: bsize * bavail }
}

function makePrivate(path: string): void {
  const stats = fs.statSync(path, { throwIfNoEntry: false })
  if (stats && (stats.mode & 0o077) !== 0) fs.chmodSync(path, stats.mode & 0o700)
}

function writeAll(fd: number, buffers: readonly Buffer[], position: number): void {
  let at = position
  for (let start = 0; start < buffers.length; start += maxBuffersPerWrite) {
    const chunk = buffers.slice(start, start + maxBuffersPerWrite)
    const length = chunk.reduce((sum, buffer) => sum + buffer.length, 0)
    const written = fs.writevSync(fd, chunk, at)
    if (written < length) writeRest(fd, { buffers: chunk, skip: written, position: at + written })
    at += length
  }
}

/** A write may stop half way (a nearly full disk, a signal); another write either completes it or returns the real error. */
function writeRest(fd: number, rest: { buffers: readonly Buffer[]; skip: number; position: number }): void {
  const bytes = Buffer.concat(rest.buffers).subarray(rest.skip)
  for (let done = 0; done < bytes.length; ) {
    const written = fs.writeSync(fd, bytes, done, bytes.length - done, rest.position + done)
    if (written === 0) throw new Error(`wrote 0 of ${bytes.length - done} bytes`)
    done += written
  }
}

async function readFully(fd: number, buffer: Buffer, position: number): Promise<number> {
  let done = 0
  while (done < buffer.length) {
    const { bytesRead } = await readInto(fd, buffer, done, buffer.length - done, position + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return done
}

async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return // Windows cannot open a folder; NTFS journals names itself.
  const fd = fs.openSync(folder, 'r')
  try {
    await promisify(fs.fsync)(fd)
  } finally {
    fs.closeSync(fd)
  }
}

/** An error as the operating system reports it. */
export function systemError(code: 'EIO' | 'ENOSPC' | 'ENOENT' | 'EBADF', what: string): Error {
  return Object.assign(new Error(`${code}: ${what}`), { code })
}

/** Replaces a small file as a whole: after a crash either the old or the new content exists. */
export async function replaceFile(files: Files, path: string, content: Buffer): Promise<void> {
  const temporary = `${path}.new`
  const fd = files.open(temporary)
  try {
    files.truncate(fd, 0)
    files.write(fd, [content], 0)
    await files.sync(fd)
  } finally {
    files.close(fd)
  }
  files.rename(temporary, path)
  await files.syncFolder(dirname(path))
}
