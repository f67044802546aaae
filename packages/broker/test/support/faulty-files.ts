import { basename } from 'node:path'
import { systemError as errorOfSystem, type Files, nodeFiles } from '../../src/log/index.ts'

export type FileOperation = 'open' | 'write' | 'sync' | 'syncFolder' | 'rename' | 'removeFile'
export type FileStep = { readonly operation: FileOperation; readonly name: string; readonly buffers: readonly Buffer[] }
/** Called `before` the operation, or `after` it. Throwing makes it fail; a torn write does a part of it first. */
export type Fault = (
  step: FileStep & { readonly when: 'before' | 'after'; readonly tear: (bytes: number) => void },
) => void

/**
 * The real file system with a fault in front of it. Names are those of the last part of the path (`journal-…`,
 * `checkpoint.new`, `….log`).
 */
export function faultyFiles(fault: Fault): Files {
  const names = new Map<number, string>()
  const around = <T>(step: FileStep, tear: (bytes: number) => void, work: () => T): T => {
    fault({ ...step, when: 'before', tear })
    const result = work()
    fault({ ...step, when: 'after', tear })
    return result
  }
  const none = () => undefined
  const step = (operation: FileOperation, name: string, buffers: readonly Buffer[] = []): FileStep => ({
    operation,
    name: basename(name),
    buffers,
  })
  const nameOf = (fd: number) => names.get(fd) ?? ''
  return {
    ...nodeFiles,
    open: (path) => {
      const fd = around(step('open', path), none, () => nodeFiles.open(path))
      names.set(fd, path)
      return fd
    },
    write: (fd, buffers, position) => {
      const tear = (bytes: number) => nodeFiles.write(fd, [Buffer.concat(buffers).subarray(0, bytes)], position)
      around(step('write', nameOf(fd), buffers), tear, () => nodeFiles.write(fd, buffers, position))
    },
    sync: async (fd) => {
      const sync = step('sync', nameOf(fd))
      fault({ ...sync, when: 'before', tear: none })
      await nodeFiles.sync(fd)
      fault({ ...sync, when: 'after', tear: none })
    },
    syncFolder: async (folder) => {
      const sync = step('syncFolder', folder)
      fault({ ...sync, when: 'before', tear: none })
      await nodeFiles.syncFolder(folder)
      fault({ ...sync, when: 'after', tear: none })
    },
    rename: (from, to) => around(step('rename', to), none, () => nodeFiles.rename(from, to)),
    removeFile: (path) => around(step('removeFile', path), none, () => nodeFiles.removeFile(path)),
  }
}

/** An error as the operating system reports it. */
export function systemError(code: 'EIO' | 'ENOSPC'): Error {
  return errorOfSystem(code, code === 'EIO' ? 'i/o error' : 'no space left on device')
}
