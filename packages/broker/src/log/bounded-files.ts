/**
 * A file system of which no more than so many files are open at once, whatever the storage holds: a log has one file a
 * partition, and a process that reaches its limit of descriptors can write nothing any more.
 *
 * What the storage gets for a descriptor is a number of ours. The file behind it is closed when another one needs its
 * place, and opened again when it is next used. Who was used since the last look stays (second chance).
 */
import type { Files } from './files.ts'

export type BoundedFiles = Files & {
  /** The file system behind it. */
  readonly inner: Files
}

type Handle = {
  readonly path: string
  readonly writable: boolean
  /** -1 while the file rests. */
  fd: number
  /** Operations under way: under them the descriptor must not go to another file. */
  users: number
  usedSinceLook: boolean
  /** Written since the last sync. */
  dirty: boolean
  /** Its name is gone, so that it can't be opened again. */
  nameless: boolean
}

/** Of the open files, so many may be held at once: what is written needs no waiting then. */
const busyShare = 0.5
/** So many go at once where the system has no more, for what else the process opens. */
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
  /** Of those that are open, in no order that means anything. */
  #open: Handle[] = []
  #hand = 0
  #next = 1
  /** Operations under way that hold on to their descriptor, and those that wait for one of them to end. */
  #busy = 0
  readonly #waiting: (() => void)[] = []

  constructor(inner: Files, max: number) {
    this.#inner = inner
    this.#max = max
  }

  /** At once, so that a missing file or a full disk is told where it was asked for. */
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

  /** Those whose readers go on after the name is gone. */
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
      // One more place each time.
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

  /** Closes one that is not in use, and was not for a while; false if there is none. */
  #rest(): boolean {
    for (let looks = this.#open.length * 2; looks > 0; looks--) {
      this.#hand = (this.#hand + 1) % this.#open.length
      const handle = this.#open[this.#hand]
      if (handle === undefined || handle.users > 0 || handle.nameless) continue
      if (handle.usedSinceLook) {
        handle.usedSinceLook = false
        continue
      }
      // A later sync through another descriptor might not be told of an error that happens meanwhile.
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
