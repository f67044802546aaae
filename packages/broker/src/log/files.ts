/**
 * The storage's whole use of the file system, so that tests can put torn writes, failing syncs and full disks in its
 * place. Writes and small reads are synchronous: they go to the page cache in about 2 µs, a tenth of what a trip to
 * the thread pool costs. Whatever waits for the disk (`sync`, reads of old segments) is asynchronous.
 */

import * as fs from 'node:fs'
import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'

export type Files = {
  /** No other process can reach them, so that their folder needs no lock. */
  readonly isOfThisProcess: boolean
  /** Of the disk that the folder lies on. */
  space(folder: string): Promise<{ readonly totalBytes: number; readonly usableBytes: number }>
  /** With those above it. Only the owner may use what is made, here and by `open`. */
  makeFolder(path: string): void
  /** Takes all permissions of others away from a file or folder, if it is there. */
  makePrivate(path: string): void
  list(folder: string): string[]
  /** Undefined when there is no such file. */
  sizeOf(path: string): number | undefined
  readAll(path: string): Buffer
  /** Reading and writing; made when absent. */
  open(path: string): number
  /** Reading only. */
  openForReading(path: string): number
  close(fd: number): void
  /** Writes all of `buffers` at `position`, or throws, in which case any part of them may have been written. */
  write(fd: number, buffers: readonly Buffer[], position: number): void
  /** Fills as much of `buffer` as the file holds from `position`; resolves with the bytes read. */
  read(fd: number, buffer: Buffer, position: number): Promise<number>
  readNow(fd: number, buffer: Buffer, position: number): number
  truncate(fd: number, length: number): void
  /** fdatasync: data, and the size that is needed to find it. */
  sync(fd: number): Promise<void>
  /** The same, and waits: for the rare case that a descriptor must go now. */
  syncNow(fd: number): void
  /** Makes created, renamed and removed names in the folder durable. */
  syncFolder(folder: string): Promise<void>
  rename(from: string, to: string): void
  removeFile(path: string): void
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

/** A write may stop half way (a nearly full disk, a signal); going on either completes it or gives the real error. */
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
  if (process.platform === 'win32') return // Windows cannot open a folder; NTFS journals names by itself.
  const fd = fs.openSync(folder, 'r')
  try {
    await promisify(fs.fsync)(fd)
  } finally {
    fs.closeSync(fd)
  }
}

/** Replaces a small file as a whole: after a crash either the old or the new content is there. */
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
