import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/**
 * Names the run of the machine since it was started: what was written during it is in the files, whatever was killed.
 * @returns null where the system does not tell it (Windows)
 */
export function bootId(): string | null {
  if (process.platform === 'linux') return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  if (process.platform !== 'darwin') return null
  return execFileSync('/usr/sbin/sysctl', ['-n', 'kern.bootsessionuuid'], { encoding: 'utf8' }).trim()
}
