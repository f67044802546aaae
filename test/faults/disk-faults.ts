/**
 * Faults of the disk below the embedded broker, through the storage's own interface. A file has the ordered fault; the broker reads it at
 * its start and each time it is signalled that the file has changed: so a full disk is still full for the next broker.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { Files } from '../../packages/broker/src/log/index.ts'
import { faultyFiles, systemError } from '../../packages/broker/test/support/faulty-files.ts'

export type DiskFault =
  /** This many bytes can still be written. The order stays until the file is removed. */
  | { readonly kind: 'full-disk'; readonly roomBytes: number }
  /** The next write writes this share of its bytes, then the process ends. Happens once. */
  | { readonly kind: 'torn-write'; readonly share: number }
  /** The next sync fails. Happens once. */
  | { readonly kind: 'failing-sync' }

export function orderDiskFault(file: string, fault: DiskFault): void {
  writeFileSync(file, JSON.stringify(fault))
}

export function endDiskFault(file: string): void {
  rmSync(file, { force: true })
}

export type FaultyDisk = {
  readonly files: Files
  /** Reads the file, since it has changed. */
  reread(): void
}

/** @param die ends the process at once, without any cleanup */
export function openFaultyDisk(file: string, die: () => void): FaultyDisk {
  let fault: DiskFault | undefined
  let roomBytes = Number.POSITIVE_INFINITY
  const reread = () => {
    fault = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as DiskFault) : undefined
    roomBytes = fault?.kind === 'full-disk' ? fault.roomBytes : Number.POSITIVE_INFINITY
  }
  const once = () => {
    fault = undefined
    endDiskFault(file)
  }
  const files = faultyFiles(({ operation, when, buffers, tear }) => {
    if (when !== 'before' || fault === undefined) return
    if (operation === 'sync' && fault.kind === 'failing-sync') {
      once()
      throw systemError('EIO')
    }
    if (operation !== 'write') return
    const bytes = buffers.reduce((sum, buffer) => sum + buffer.length, 0)
    if (fault.kind === 'torn-write') {
      const done = Math.floor(bytes * fault.share)
      once()
      tear(done)
      die()
    }
    if (bytes > roomBytes) {
      tear(roomBytes)
      roomBytes = 0
      throw systemError('ENOSPC')
    }
    roomBytes -= bytes
  })
  reread()
  return { files, reread }
}
