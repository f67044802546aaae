import { cpSync } from 'node:fs'
import { temporaryFolder } from './test-storage.ts'

/**
 * The folder as a kill -9 at this moment would leave it: the page cache survives the process, so it is what any other
 * process reads now. The lock file is left behind too.
 */
export function crashCopy(dataDir: string): string {
  const copy = temporaryFolder()
  cpSync(dataDir, copy, { recursive: true })
  return copy
}
