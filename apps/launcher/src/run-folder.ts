import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type RunFacts, readIfThere, writeRunFile } from '@streampay/process/run-file'
import { makeFolder } from './make-folder.ts'

export type RunFolder = {
  /** For `npm run audit` and other commands, which run beside it. */
  started(facts: RunFacts): void
  write(name: string, pid: number | undefined): void
  /** Only our own: a launcher that failed to get the folder must not remove the files of the one that has it. */
  remove(name: string): void
}

/**
 * `run` in the data folder: `<service>.pid` has the present process id of a service for scripts, `started.json` what was started. A file
 * that can't be written or removed stops nothing; `onTrouble` is called once.
 */
export function openRunFolder(data: string, onTrouble: (sentence: string) => void): RunFolder {
  const folder = join(data, 'run')
  const written = new Map<string, string>()
  let isTold = false
  const pathOf = (name: string) => join(folder, `${name}.pid`)
  const attempt = (work: () => void): void => {
    try {
      work()
    } catch (error) {
      if (isTold) return
      isTold = true
      onTrouble(
        `The files with process ids and ports can't be written: ${error instanceof Error ? error.message : error}.`,
      )
    }
  }
  return {
    started: (facts) =>
      attempt(() => {
        makeFolder(folder)
        writeRunFile(data, facts)
      }),
    write: (name, pid) =>
      attempt(() => {
        makeFolder(folder)
        writeFileSync(pathOf(name), `${pid}\n`)
        written.set(name, `${pid}\n`)
      }),
    remove: (name) =>
      attempt(() => {
        const text = written.get(name)
        if (text === undefined || readIfThere(pathOf(name)) !== text) return
        rmSync(pathOf(name), { force: true })
      }),
  }
}
