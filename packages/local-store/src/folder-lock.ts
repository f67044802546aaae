import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { LocalStoreError } from './errors.ts'

export type FolderLock = { release(): void }

const sqliteBusy = 5

/**
 * Allows only one process at a time in a folder: SQLite's exclusive lock on an empty database, which is a lock of the operating system
 * (fcntl; LockFileEx on Windows). The system releases it when the process ends, in any way: after a kill -9 there is no stale
 * lock, and two processes can't take it at once. The file `holder` is only for the error message of the second process.
 * @throws LocalStoreError LOCAL_STORE_LOCKED
 */
export function lockFolder(folder: string): FolderLock {
  const holder = join(folder, 'holder')
  const database = new DatabaseSync(join(folder, 'lock'), { timeout: 0 })
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch (cause) {
    database.close()
    if (!isBusy(cause)) throw cause
    throw new LocalStoreError('LOCAL_STORE_LOCKED', `The folder ${folder} is in use by ${holderIn(holder)}`, cause)
  }
  try {
    writeFileSync(holder, `${process.pid}\n`, { mode: 0o600 })
  } catch (error) {
    database.close()
    throw error
  }
  return { release: () => database.close() }
}

function holderIn(path: string): string {
  const holder = existsSync(path) ? readFileSync(path, 'utf8').trim() : ''
  return /^\d+$/.test(holder) ? `process ${holder}` : 'another process'
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy
}
