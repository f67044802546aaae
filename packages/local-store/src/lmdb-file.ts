/**
 * Checks before LMDB opens a file: if LMDB's own opening fails, this binding uses memory that it has freed,
 * and the process ends (SIGSEGV; lmdb 3.5.6, `EnvWrap::openEnv`). So every step that can fail is tried here first, and fails with
 * an error.
 */
import { closeSync, existsSync, fstatSync, ftruncateSync, openSync, readSync, statfsSync, writeSync } from 'node:fs'

/** MDB_meta of LMDB's data version 2 (mdb.c), on the first two pages; both name the same kind of file. */
const magic = 0xbeefc0de
const dataVersion = 2
const metaFlag = 0x08
const at = { flags: 18, magic: 24, version: 28, pageSize: 48, roots: [88, 136], lastPage: 144, end: 152 } as const
const noPage = 2n ** 64n - 1n
/** A process has addresses for 128 TB. */
const maxMapBytes = 2 ** 44
const pageSizes = [4096, 8192, 16_384, 32_768, 65_536]

/** The file is not one of LMDB's. */
export class DamagedFileError extends Error {}

/** @throws DamagedFileError @throws Error if the disk has no space for a new file, or the file can't be opened */
export function prepareFile(path: string, { mapBytes, spareBytes }: { mapBytes: number; spareBytes: number }): void {
  if (mapBytes > maxMapBytes) throw new Error(`a map of ${mapBytes} bytes is asked for, and may have ${maxMapBytes}`)
  const isNew = !existsSync(path)
  const fd = openSync(path, isNew ? 'wx+' : 'r+', 0o600)
  try {
    if (isNew) checkRoom(fd, { path, spareBytes })
    else checkHeader(fd)
    if (!isNew) return
    // LMDB makes the file as long as its map; whether the file system allows that is tried here.
    ftruncateSync(fd, mapBytes)
    ftruncateSync(fd, 0)
  } finally {
    closeSync(fd)
  }
}

function checkRoom(fd: number, { path, spareBytes }: { path: string; spareBytes: number }): void {
  const { bavail, bsize } = statfsSync(path)
  if (bavail * bsize < 2 * spareBytes) throw new Error(`there is no room on the disk: ${bavail * bsize} bytes are free`)
  // With a quota, this process may not be allowed to use all free bytes.
  writeSync(fd, Buffer.alloc(spareBytes))
}

function checkHeader(fd: number): void {
  const { pageSize, lastPage } = metaAt(fd, 0)
  const second = metaAt(fd, pageSize)
  // Reading a missing page would end the process (SIGBUS).
  const wholeBytes = (Math.max(lastPage, second.lastPage) + 1) * pageSize
  const { size } = fstatSync(fd)
  if (size < wholeBytes) throw new DamagedFileError(`it was cut short: ${size} of ${wholeBytes} bytes`)
}

function metaAt(fd: number, start: number): { readonly pageSize: number; readonly lastPage: number } {
  const meta = Buffer.alloc(at.end)
  const read = readSync(fd, meta, 0, at.end, start)
  const isMeta =
    read === at.end &&
    (meta.readUInt16LE(at.flags) & metaFlag) !== 0 &&
    meta.readUInt32LE(at.magic) === magic &&
    meta.readUInt32LE(at.version) === dataVersion
  const pageSize = meta.readUInt32LE(at.pageSize)
  const lastPage = meta.readBigUInt64LE(at.lastPage)
  const roots = at.roots.map((root) => meta.readBigUInt64LE(root))
  const isSound = pageSizes.includes(pageSize) && roots.every((root) => root === noPage || root <= lastPage)
  if (isMeta && isSound) return { pageSize, lastPage: Number(lastPage) }
  throw new DamagedFileError(`it has no page of LMDB's data version ${dataVersion} at byte ${start}`)
}
