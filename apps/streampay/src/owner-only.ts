import { chmodSync } from 'node:fs'

/** On file systems that keep no modes (exFAT, shared folders); there the mount decides who may read. */
const withoutModes = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])

/** Takes a file or folder that an earlier version made from the other users of the machine. @throws Error with code and syscall */
export function makeOwnerOnly(path: string, mode: 0o600 | 0o700): void {
  try {
    chmodSync(path, mode)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (!withoutModes.has(code)) throw error
  }
}
