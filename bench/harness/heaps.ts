/**
 * V8's heap of other processes, which the system does not know. Each process that is started below `tellingHeaps` loads one
 * module more, and that writes the bytes in use to a file named like its pid, four times a second.
 */
import { mkdtempSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getHeapStatistics } from 'node:v8'

const folderName = 'BENCH_HEAPS'
const intervalMs = 250
/** Always as many, so that a figure takes the place of the one before. */
const digits = 16

/** From here on, in the environment of this process and so of all that it starts. @returns an end that removes the files */
export function tellingHeaps(env: NodeJS.ProcessEnv = process.env): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'bench-heaps-'))
  const { NODE_OPTIONS: before } = env
  env[folderName] = folder
  env.NODE_OPTIONS = `${before ?? ''} --import ${new URL('tell-heap.ts', import.meta.url)}`.trim()
  return () => {
    delete env[folderName]
    if (before === undefined) delete env.NODE_OPTIONS
    else env.NODE_OPTIONS = before
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The heap in use at most 250 ms ago, in MB; undefined for a process that does not tell. */
export function heapMbOf(pid: number, env: NodeJS.ProcessEnv = process.env): number | undefined {
  const folder = env[folderName]
  if (folder === undefined) return undefined
  try {
    return Number(readFileSync(join(folder, String(pid)), 'utf8')) / 1024 ** 2
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/**
 * In the process that is measured. It keeps nothing alive, and hardly interrupts what it is beside: a few digits in place, since a
 * file that is made anew, and all that `process.memoryUsage` looks at, take milliseconds.
 */
export function tellHeap(): void {
  const folder = process.env[folderName]
  if (folder === undefined) return
  const path = join(folder, String(process.pid))
  try {
    const file = openSync(`${path}.new`, 'w')
    const tell = () => writeSync(file, String(getHeapStatistics().used_heap_size).padStart(digits), 0)
    tell()
    // A reader finds no file, or one with a figure.
    renameSync(`${path}.new`, path)
    setInterval(tell, intervalMs).unref()
  } catch {
    // The run is over, and the folder with it.
  }
}
