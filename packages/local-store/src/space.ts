import { closeSync, fdatasync, fstatSync, ftruncateSync, openSync, statfsSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { LocalStoreError, reasonOf } from './errors.ts'

const datasync = promisify(fdatasync)
/** For `stat`: its blocks have 512 bytes, at any block size of the disk. */
const bytesOfBlock = 512
const chunk = Buffer.alloc(1024 * 1024)
/** The file is longer than its data: a batch that needs more than estimated still finds it long enough, if the disk has space. */
const spareLength = 16 * 1024 * 1024

/**
 * Reserves disk space for pages before they are written through the memory map. If the disk has no space for a page of the map,
 * the process ends (SIGBUS); a write to the file returns an error instead. So the file is filled with zeros ahead
 * of its pages.
 *
 * LMDB makes the file as long as its map, which is the limit of the store. It is cut to about twice the size of its data, because
 * some programs that copy files write its holes as zeros.
 *
 * On Windows LMDB does both itself.
 *
 * The file is used by its descriptor: its folder may be deleted while the store is in use, and the store continues without it.
 */
export class Space {
  readonly #path: string
  readonly #mapBytes: number
  readonly #fd: number
  /** The offset up to which the disk has space for the file. */
  #takenBytes: number
  #length: number

  /** @param usedBytes the end of the file's pages; no data follows */
  constructor(options: { readonly path: string; readonly usedBytes: number; readonly mapBytes: number }) {
    this.#path = options.path
    this.#mapBytes = options.mapBytes
    this.#fd = openSync(options.path, 'r+')
    this.#takenBytes = options.usedBytes
    this.#length = this.#lengthFor(options.usedBytes)
    if (process.platform !== 'win32') ftruncateSync(this.#fd, this.#length)
  }

  /**
   * @param usedBytes the end of the file's pages
   * @throws LocalStoreError LOCAL_STORE_FAILED if the disk has no space; space that was reserved stays reserved
   */
  take(options: { readonly usedBytes: number; readonly neededBytes: number }): void {
    if (process.platform === 'win32') return
    const wantedBytes = options.usedBytes + options.neededBytes
    if (wantedBytes > this.#takenBytes) this.#fill(options.usedBytes, wantedBytes)
    const length = this.#lengthFor(wantedBytes)
    if (length <= this.#length) return
    ftruncateSync(this.#fd, length)
    this.#length = length
  }

  /** The file's size on the disk. */
  bytes(): number {
    return fstatSync(this.#fd).blocks * bytesOfBlock
  }

  /** Waits until the disk itself has the data, on every system. */
  sync(): Promise<void> {
    return datasync(this.#fd)
  }

  close(): void {
    closeSync(this.#fd)
  }

  #fill(usedBytes: number, wantedBytes: number): void {
    const { bavail, bsize } = freeSpaceAt(this.#path)
    const missingBytes = wantedBytes - this.#takenBytes
    if (bavail * bsize < missingBytes) throw noRoom(`${bavail * bsize} bytes are free, ${missingBytes} may be needed`)
    // A growing store reserves a part of its size in advance, but never the last of the disk.
    const aheadBytes = Math.ceil(wantedBytes + Math.min(wantedBytes, bavail * bsize - missingBytes) / 16)
    try {
      while (this.#takenBytes < aheadBytes) {
        const at = Math.max(this.#takenBytes, usedBytes)
        this.#takenBytes = at + writeSync(this.#fd, chunk, 0, Math.min(chunk.length, aheadBytes - at), at)
      }
    } catch (cause) {
      // A quota, or another process used the space first.
      if (this.#takenBytes < wantedBytes) throw noRoom(reasonOf(cause), cause)
    }
  }

  #lengthFor(bytes: number): number {
    return Math.min(this.#mapBytes, 2 * bytes + spareLength)
  }
}

/** The free bytes of the disk below a path, or below its nearest existing parent folder. */
function freeSpaceAt(path: string): { readonly bavail: number; readonly bsize: number } {
  try {
    return statfsSync(path)
  } catch (error) {
    const isGone = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    if (!isGone || dirname(path) === path) throw error
    return freeSpaceAt(dirname(path))
  }
}

function noRoom(reason: string, cause?: unknown): LocalStoreError {
  return new LocalStoreError(
    'LOCAL_STORE_FAILED',
    `There is no room on the disk for what is to be written: ${reason}`,
    cause,
  )
}
