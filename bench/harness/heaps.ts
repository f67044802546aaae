/**
 * V8's heap of other processes, which the system does not know. Each process that is started below `tellingHeaps` loads one
 * module more, and that writes the bytes in use to a file named like its pid, four times a second.
 */
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const folderName = 'BENCH_HEAPS'
const intervalMs = 250

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

/** In the process that is measured. It keeps nothing alive. */
export function tellHeap(): void {
  const folder = process.env[folderName]
  if (folder === undefined) return
  const path = join(folder, String(process.pid))
  const tell = () => {
    try {
      // Whole at each moment: a reader finds the old one or the new one.
      writeFileSync(`${path}.new`, String(process.memoryUsage().heapUsed))
      renameSync(`${path}.new`, path)
    } catch {
      // The run is over, and the folder with it.
      clearInterval(timer)
    }
  }
  const timer = setInterval(tell, intervalMs)
  timer.unref()
  tell()
}
