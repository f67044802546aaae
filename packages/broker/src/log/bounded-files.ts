/**
 * A file system that limits the number of open files, at any size of the storage: a log has one file per
 * partition, and a process that reaches its limit of descriptors can't write any more.
 *
 * The storage gets virtual descriptors. The file behind one is closed when another file needs its
 * place, and opened again at its next use. A file that was used since the last check stays open (second chance).
 */
import type { Files } from './files.ts'

export type BoundedFiles = Files & {
  /** The file system behind it. */
  readonly inner: Files
}

type Handle = {
  readonly path: string
  readonly writable: boolean
  /** -1 while the file is closed. */
  fd: number
  /** Operations in progress: during them the descriptor must not be reused for another file. */
  users: number
  usedSinceLook: boolean
  /** Whether it was written since the last sync. */
  dirty: boolean
  /** Its name was removed, so it can't be opened again. */
  nameless: boolean
}

/** The number of open files that may be in use at once: writes then don't wait. */
const busyShare = 0.5
/** If the system has no more descriptors, this number is closed at once, to leave some for the rest of the process. */
const madeRoom = 8

export function boundedFiles(inner: Files, { maxOpenFiles }: { readonly maxOpenFiles: number }): BoundedFiles {
  const open = new OpenFiles(inner, maxOpenFiles)
  const withRoom = <T>(work: () => T): T => open.withRoom(work)
  return {
    ...inner,
    inner,
    list: (folder) => withRoom(() => inner.list(folder)),
    readAll: (path) => withRoom(() => inner.readAll(path)),
    open: (path) => open.add(path, true),
    openForReading: (path) => open.add(path, false),
    close: (fd) => open.remove(fd),
    write: (fd, buffers, position) => {
      const handle = open.use(fd)
      handle.dirty = true
      inner.write(handle.fd, buffers, position)
    },
    read: (fd, buffer, position) => open.during(fd, (handle) => inner.read(handle.fd, buffer, position)),
    readNow: (fd, buffer, position) => inner.readNow(open.use(fd).fd, buffer, position),
    truncate: (fd, length) => {
      const handle = open.use(fd)
      handle.dirty = true
      inner.truncate(handle.fd, length)
    },
    sync: (fd) =>
      open.during(fd, (handle) => {
        handle.dirty = false
        return inner.sync(handle.fd)
      }),
    syncNow: (fd) => inner.syncNow(open.use(fd).fd),
    syncFolder: (folder) => open.retrying(() => inner.syncFolder(folder)),
    rename: (from, to) => inner.rename(from, to),
    removeFile: (path) => {
      open.keepNameless((held) => held === path)
      inner.removeFile(path)
    },
    removeFolder: (path) => {
      open.keepNameless((held) => held.startsWith(path))
      withRoom(() => inner.removeFolder(path))
    },
  }
}

class OpenFiles {
  readonly #inner: Files
  readonly #max: number
  readonly #handles = new Map<number, Handle>()
  /** The open files, in no particular order. */
  #open: Handle[] = []
  #hand = 0
  #next = 1
  /** Operations in progress that use their descriptor, and those that wait for one of them to end. */
  #busy = 0
  readonly #waiting: (() => void)[] = []

  constructor(inner: Files, max: number) {
    this.#inner = inner
    this.#max = max
  }

  /** Opens at once, so that a missing file or a full disk is reported to the caller. */
  add(path: string, writable: boolean): number {
    const handle = { path, writable, fd: -1, users: 0, usedSinceLook: true, dirty: false, nameless: false }
    this.#openAgain(handle)
    const number = this.#next++
    this.#handles.set(number, handle)
    return number
  }

  remove(number: number): void {
    const handle = this.#handles.get(number)
    this.#handles.delete(number)
    if (handle !== undefined && handle.fd !== -1) this.#close(handle)
  }

  use(number: number): Handle {
    const handle = this.#handles.get(number)
    if (handle === undefined) throw new Error(`there is no open file ${number}`)
    if (handle.fd === -1) this.#openAgain(handle)
    handle.usedSinceLook = true
    return handle
  }

  async during<T>(number: number, work: (handle: Handle) => Promise<T>): Promise<T> {
    if (this.#busy >= this.#max * busyShare) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#busy += 1
    let handle: Handle | undefined
    try {
      handle = this.use(number)
      handle.users += 1
      return await work(handle)
    } finally {
      if (handle !== undefined) handle.users -= 1
      const next = this.#waiting.shift()
      if (next === undefined) this.#busy -= 1
      else next()
    }
  }

  /** Files that are still read after their name was removed. */
  keepNameless(isGone: (path: string) => boolean): void {
    for (const handle of this.#handles.values()) {
      if (handle.nameless || !isGone(handle.path)) continue
      if (handle.fd === -1) this.#openAgain(handle)
      handle.nameless = true
    }
  }

  withRoom<T>(work: () => T): T {
    for (;;) {
      try {
        return work()
      } catch (error) {
        if (!isOutOfDescriptors(error) || !this.#makeRoom()) throw error
      }
    }
  }

  async retrying<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await work()
      } catch (error) {
        if (!isOutOfDescriptors(error) || !this.#makeRoom()) throw error
      }
    }
  }

  #openAgain(handle: Handle): void {
    while (this.#open.length >= this.#max && this.#rest()) {
      // One more place with each attempt.
    }
    const { path, writable } = handle
    handle.fd = this.withRoom(() => (writable ? this.#inner.open(path) : this.#inner.openForReading(path)))
    this.#open.push(handle)
  }

  #makeRoom(): boolean {
    let made = 0
    while (made < madeRoom && this.#rest()) made += 1
    return made > 0
  }

  /** Closes a file that is not in use and was not used for a while; false if there is none. */
  #rest(): boolean {
    for (let looks = this.#open.length * 2; looks > 0; looks--) {
      this.#hand = (this.#hand + 1) % this.#open.length
      const handle = this.#open[this.#hand]
      if (handle === undefined || handle.users > 0 || handle.nameless) continue
      if (handle.usedSinceLook) {
        handle.usedSinceLook = false
        continue
      }
      // A later sync through another descriptor might not report an error that occurs meanwhile.
      if (handle.dirty) this.#inner.syncNow(handle.fd)
      handle.dirty = false
      this.#close(handle)
      return true
    }
    return false
  }

  #close(handle: Handle): void {
    const at = this.#open.indexOf(handle)
    const last = this.#open.pop()
    if (last !== undefined && last !== handle) this.#open[at] = last
    const { fd } = handle
    handle.fd = -1
    this.#inner.close(fd)
  }
}

function isOutOfDescriptors(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EMFILE' || error.code === 'ENFILE')
}
