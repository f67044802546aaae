import { mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/** Only the user who started StreamPay may read the files in it. */
const ownerOnly = 0o700

/**
 * Makes a folder and those above it. Not `mkdirSync(…, { recursive: true })`: if no folder can be made (/proc), that
 * tries again without end.
 * @throws Error with code and syscall
 */
export function makeFolder(path: string): void {
  const code = tryToMake(path)
  if (code !== 'ENOENT') return
  makeFolder(dirname(path))
  mkdirSync(path, ownerOnly)
}

/** @returns ENOENT if the folder above is missing */
function tryToMake(path: string): 'ENOENT' | undefined {
  try {
    mkdirSync(path, ownerOnly)
    return undefined
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT' && dirname(path) !== path) return code
    if (code === 'EEXIST' && statSync(path).isDirectory()) return undefined
    throw error
  }
}
