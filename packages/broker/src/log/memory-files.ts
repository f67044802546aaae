/**
 * A file system in memory, for a log that ends with its process. Paths work as on disk. No data is durable, so a sync does nothing.
 * As on disk, a file whose name was removed exists as long as it is open.
 */

import { freemem } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { type Files, systemError } from './files.ts'

const smallestBytes = 256

/** The size that all files share. Writes beyond `maxBytes` are refused as by a full disk. */
type Room = { readonly maxBytes: number; usedBytes: number }

/** Grows by doubling, so that each appended byte costs the same. */
class MemoryFile {
  readonly #room: Room
  #bytes: Buffer = Buffer.alloc(0)
  length = 0
  /** The number of its descriptors and of its name. */
  users = 1

  constructor(room: Room) {
    this.#room = room
  }

  get content(): Buffer {
    return this.#bytes.subarray(0, this.length)
  }

  write(buffers: readonly Buffer[], position: number): void {
    const end = position + buffers.reduce((sum, buffer) => sum + buffer.length, 0)
    this.#reserve(end)
    let at = position
    for (const buffer of buffers) at += buffer.copy(this.#bytes, at)
    this.length = Math.max(this.length, end)
  }

  read(buffer: Buffer, position: number): number {
    return this.content.copy(buffer, 0, Math.min(position, this.length))
  }

  truncate(length: number): void {
    this.#reserve(length)
    // Bytes beyond the end read as zeros when the file grows again.
    if (length < this.length) this.#bytes.fill(0, length, this.length)
    this.length = length
  }

  /** Releases a descriptor, or the name; after the last one its bytes are freed. */
  release(): void {
    this.users -= 1
    if (this.users > 0) return
    this.#room.usedBytes -= this.#bytes.length
    this.#bytes = Buffer.alloc(0)
    this.length = 0
  }

  #reserve(length: number): void {
    const { length: capacity } = this.#bytes
    if (length <= capacity) return
    const wanted = Math.max(length, 2 * capacity, smallestBytes)
    const { maxBytes, usedBytes } = this.#room
    if (usedBytes + wanted - capacity > maxBytes)
      throw systemError('ENOSPC', `no more than ${maxBytes} bytes in memory`)
    const grown = Buffer.alloc(wanted)
    this.content.copy(grown)
    this.#room.usedBytes += wanted - capacity
    this.#bytes = grown
  }
}

export function memoryFiles({ maxBytes }: { readonly maxBytes: number }): Files {
  const disk = new MemoryDisk(maxBytes)
  return {
    isOfThisProcess: true,
    space: async () => ({ totalBytes: maxBytes, usableBytes: Math.min(maxBytes - disk.room.usedBytes, freemem()) }),
    makeFolder: (path) => disk.makeFolder(path),
    makePrivate: () => undefined,
    list: (folder) => [...(disk.folders.get(folder) ?? [])],
    sizeOf: (path) => disk.files.get(path)?.length,
    readAll: (path) => Buffer.from(disk.existing(path).content),
    open: (path) => disk.open(disk.files.get(path) ?? disk.make(path)),
    openForReading: (path) => disk.open(disk.existing(path)),
    close: (fd) => disk.close(fd),
    write: (fd, buffers, position) => disk.of(fd).write(buffers, position),
    read: async (fd, buffer, position) => disk.of(fd).read(buffer, position),
    readNow: (fd, buffer, position) => disk.of(fd).read(buffer, position),
    truncate: (fd, length) => disk.of(fd).truncate(length),
    sync: () => Promise.resolve(),
    syncNow: () => undefined,
    syncFolder: () => Promise.resolve(),
    rename: (from, to) => disk.rename(from, to),
    removeFile: (path) => disk.removeFile(path),
    removeFolder: (path) => disk.removeFolder(path),
  }
}

class MemoryDisk {
  readonly room: Room
  readonly files = new Map<string, MemoryFile>()
  /** The names in each folder. */
  readonly folders = new Map<string, Set<string>>()
  readonly #opened = new Map<number, MemoryFile>()
  #nextFd = 1

  constructor(maxBytes: number) {
    this.room = { maxBytes, usedBytes: 0 }
  }

  makeFolder(path: string): void {
    if (this.folders.has(path)) return
    this.folders.set(path, new Set())
    const parent = dirname(path)
    if (parent === path) return
    this.makeFolder(parent)
    this.folders.get(parent)?.add(basename(path))
  }

  existing(path: string): MemoryFile {
    const file = this.files.get(path)
    if (file === undefined) throw systemError('ENOENT', `no such file: ${path}`)
    return file
  }

  make(path: string): MemoryFile {
    const folder = this.folders.get(dirname(path))
    if (folder === undefined) throw systemError('ENOENT', `no such folder: ${dirname(path)}`)
    const file = new MemoryFile(this.room)
    folder.add(basename(path))
    this.files.set(path, file)
    return file
  }

  open(file: MemoryFile): number {
    file.users += 1
    this.#opened.set(this.#nextFd, file)
    return this.#nextFd++
  }

  of(fd: number): MemoryFile {
    const file = this.#opened.get(fd)
    if (file === undefined) throw systemError('EBADF', `no open file ${fd}`)
    return file
  }

  close(fd: number): void {
    this.of(fd).release()
    this.#opened.delete(fd)
  }

  rename(from: string, to: string): void {
    const file = this.existing(from)
    this.removeFile(to)
    this.files.delete(from)
    this.folders.get(dirname(from))?.delete(basename(from))
    this.files.set(to, file)
    this.folders.get(dirname(to))?.add(basename(to))
  }

  removeFile(path: string): void {
    const file = this.files.get(path)
    if (file === undefined) return
    this.files.delete(path)
    this.folders.get(dirname(path))?.delete(basename(path))
    file.release()
  }

  removeFolder(path: string): void {
    for (const name of this.folders.get(path) ?? []) {
      const inner = join(path, name)
      this.removeFolder(inner)
      this.removeFile(inner)
    }
    this.folders.delete(path)
    this.folders.get(dirname(path))?.delete(basename(path))
  }
}
