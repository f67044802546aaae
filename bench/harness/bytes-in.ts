import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** Bytes of all files of a folder that is in use; or only of those whose path matches. */
export function bytesIn(folder: string, fits: RegExp = /./): number {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => fits.test(path))
    .reduce((sum, path) => sum + (statSync(path, { throwIfNoEntry: false })?.size ?? 0), 0)
}
