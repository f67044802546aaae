import { closeSync, fdatasync, fstatSync, ftruncateSync, openSync, statfsSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { LocalStoreError, reasonOf } from './errors.ts'

const datasync = promisify(fdatasync)
/** Of `stat`: blocks have 512 bytes, whatever the disk's are. */
const bytesOfBlock = 512
const chunk = Buffer.alloc(1024 * 1024)
/** The file is longer than what it holds, so that a batch that needs more than was thought finds the file, if not room. */
const spareLength = 16 * 1024 * 1024

/**
 * Takes room on the disk for pages before they are written through the memory map. A page of a map for which the disk has no
 * room ends the process (SIGBUS); a file that is written fails with an error instead. So the file is filled with zeros ahead
 * of its pages.
 *
 * LMDB makes the file as long as its map, which is the bound of the store. It is cut to about twice of what it holds, since
 * some programs that copy files write their holes out.
 *
 * On Windows LMDB does both itself.
 *
 * The file is known by its descriptor: its folder may be deleted while the store is in use, and the store goes on without.
 */
export class Space {
  readonly #path: string
  readonly #mapBytes: number
  readonly #fd: number
  /** Up to here the disk has room for the file. */
  #takenBytes: number
  #length: number

  /** @param usedBytes up to here the file holds pages; nothing behind it is needed */
  constructor(options: { readonly path: string; readonly usedBytes: number; readonly mapBytes: number }) {
    this.#path = options.path
    this.#mapBytes = options.mapBytes
    this.#fd = openSync(options.path, 'r+')
    this.#takenBytes = options.usedBytes
    this.#length = this.#lengthFor(options.usedBytes)
    if (process.platform !== 'win32') ftruncateSync(this.#fd, this.#length)
  }

  /**
   * @param usedBytes up to here the file holds pages
   * @throws LocalStoreError LOCAL_STORE_FAILED when the disk has no room; what was taken stays taken
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

  /** What the file takes on the disk. */
  bytes(): number {
    return fstatSync(this.#fd).blocks * bytesOfBlock
  }

  /** Waits for the disk itself, on every system. */
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
    // A store that grows takes a part of its size ahead, but never the last of the disk.
    const aheadBytes = Math.ceil(wantedBytes + Math.min(wantedBytes, bavail * bsize - missingBytes) / 16)
    try {
      while (this.#takenBytes < aheadBytes) {
        const at = Math.max(this.#takenBytes, usedBytes)
        this.#takenBytes = at + writeSync(this.#fd, chunk, 0, Math.min(chunk.length, aheadBytes - at), at)
      }
    } catch (cause) {
      // A quota, or another process was faster.
      if (this.#takenBytes < wantedBytes) throw noRoom(reasonOf(cause), cause)
    }
  }

  #lengthFor(bytes: number): number {
    return Math.min(this.#mapBytes, 2 * bytes + spareLength)
  }
}

/** Of the disk below a path, or below the nearest folder above it that is still there. */
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
