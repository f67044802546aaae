import { readFileSync } from 'node:fs'

const sampleEveryMs = 2_000

/** The largest resident size of each service's processes, in MiB, by name. Only Linux reports it in this way. */
export class MemoryPeaks {
  readonly peaks: Record<string, number> = {}
  readonly #timer: NodeJS.Timeout

  constructor(pids: () => readonly (readonly [name: string, pid: number])[]) {
    this.#timer = setInterval(() => {
      for (const [name, pid] of pids()) this.#sample(name, pid)
    }, sampleEveryMs)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #sample(name: string, pid: number): void {
    const mebibytes = peakOf(pid)
    if (mebibytes !== undefined) this.peaks[name] = Math.max(this.peaks[name] ?? 0, mebibytes)
  }
}

/** The kernel's own high-water mark; undefined if the process has ended meanwhile, or on other systems. */
function peakOf(pid: number): number | undefined {
  try {
    const [, kibibytes] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return kibibytes === undefined ? undefined : Math.round(Number(kibibytes) / 1024)
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH'))
      return undefined
    throw error
  }
}
