import { chmodSync } from 'node:fs'

/** The errors of file systems without modes (exFAT, shared folders); there the mount decides who may read. */
const withoutModes = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])

/** Removes other users' access to a file or folder that an earlier version made. @throws Error with code and syscall */
export function makeOwnerOnly(path: string, mode: 0o600 | 0o700): void {
  try {
    chmodSync(path, mode)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (!withoutModes.has(code)) throw error
  }
}
