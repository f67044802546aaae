/**
 * Allows only one process at a time to use a data folder.
 *
 * The lock is SQLite's exclusive lock on an empty database file, which is an advisory lock of the operating system
 * (fcntl; LockFileEx on Windows). The system releases it when the process ends, in any way. So after a kill -9
 * there is no stale lock: no process id has to be checked, and two processes can't race to take the lock over.
 * The file `holder` beside it is only for the error message of the second process.
 */

import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { FolderLockedError } from './api-error.ts'
import { type Files, nodeFiles } from './files.ts'

export type FolderLock = { release(): void }

const sqliteBusy = 5

/** The folder must exist. @throws FolderLockedError if another process, or this one already, holds it */
export function lockFolder(folder: string, files: Files = nodeFiles): FolderLock {
  const holderPath = join(folder, 'holder')
  const lockPath = join(folder, 'lock')
  // Created here, because SQLite would let other users read it. Only a new file is opened: closing an old one would release this lock.
  if (files.sizeOf(lockPath) === undefined) files.close(files.open(lockPath))
  const database = new DatabaseSync(lockPath, { timeout: 0 })
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch (cause) {
    database.close()
    if (!isBusy(cause)) throw cause
    throw new FolderLockedError(`The data folder ${folder} is in use by ${holderOf(files, holderPath)}`, { cause })
  }
  writeHolder(files, holderPath)
  return { release: () => database.close() }
}

function writeHolder(files: Files, path: string): void {
  const fd = files.open(path)
  try {
    files.truncate(fd, 0)
    files.write(fd, [Buffer.from(`${process.pid}\n`)], 0)
  } finally {
    files.close(fd)
  }
}

function holderOf(files: Files, path: string): string {
  const holder = files.sizeOf(path) ? files.readAll(path).toString('utf8').trim() : ''
  return /^\d+$/.test(holder) ? `process ${holder}` : 'another process'
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy
}
