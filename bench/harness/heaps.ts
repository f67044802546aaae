/**
 * V8's heap of other processes, which the system does not report. Each process that is started below `tellingHeaps` loads one more module,
 * which writes the bytes in use to a file named by its pid, four times a second.
 */
import { mkdtempSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getHeapStatistics } from 'node:v8'

const folderName = 'BENCH_HEAPS'
const intervalMs = 250
/** A fixed number of digits, so that a figure overwrites the one before. */
const digits = 16

/** From now on, in the environment of this process and so of all that it starts. @returns a function that removes the files */
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
 * Runs in the measured process. It keeps nothing alive, and hardly interrupts the process: a few digits overwritten in place, since
 * creating a file, or everything that `process.memoryUsage` reads, takes milliseconds.
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
    // The run is over, and the folder is removed.
  }
}
