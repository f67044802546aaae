/** CPU and memory of named processes over a stretch of work. */
import { existsSync } from 'node:fs'
import { heapMbOf } from './heaps.ts'
import { anonymousMbOf, cpuMsOf, memoryOf } from './proc.ts'

export type ProcessSample = {
  readonly cpuMs: number
  /** Of the CPU time, for each unit of work of the scenario. */
  readonly cpuMsPerUnit: number
  readonly pssMb: number
  readonly anonymousMb: number
  /** Bytes of V8's heap in use, for processes that run JavaScript. */
  readonly heapMb?: number
}

export type ProcessSamples = Readonly<Record<string, ProcessSample>>

/**
 * Whether CPU and memory of other processes can be read here; if not, samples name no processes, and results say so.
 */
export const canMeter = existsSync('/proc/self/smaps_rollup')

/** Process ids by the name that the results give them. */
export type Pids = Readonly<Record<string, number>>

export type Meter = {
  /** @param units of work since the meter began @throws Error if one of the processes has ended */
  end(units: number): ProcessSamples
}

/** Begins now. With `sinceStart`, CPU counts from the beginning of each process. */
export function startMeter(pids: Pids, { sinceStart = false } = {}): Meter {
  if (!canMeter) return { end: () => ({}) }
  const before = Object.fromEntries(
    Object.entries(pids).map(([name, pid]) => [name, sinceStart ? 0 : cpuOf(name, pid)]),
  )
  return {
    end(units) {
      return Object.fromEntries(
        Object.entries(pids).map(([name, pid]) => {
          const cpuMs = cpuOf(name, pid) - (before[name] ?? 0)
          const memory = memoryOf(pid)
          if (memory === undefined) throw ended(name, pid)
          const heapMb = heapMbOf(pid)
          return [name, { cpuMs, cpuMsPerUnit: cpuMs / units, ...memory, ...(heapMb !== undefined && { heapMb }) }]
        }),
      )
    },
  }
}

function cpuOf(name: string, pid: number): number {
  const cpuMs = cpuMsOf(pid)
  if (cpuMs === undefined) throw ended(name, pid)
  return cpuMs
}

function ended(name: string, pid: number): Error {
  return new Error(`${name} (pid ${pid}) ended while it was measured`)
}

const watchEveryMs = 100

/** The most anonymous memory of a process at any moment until the end of the watch, looked at ten times a second. */
export function watchAnonymous() {
  let mostAnonymousMb = 0
  let timer: NodeJS.Timeout | undefined
  return {
    of(pid: number): void {
      if (!canMeter) return
      const look = () => {
        mostAnonymousMb = Math.max(mostAnonymousMb, anonymousMbOf(pid) ?? 0)
      }
      timer = setInterval(look, watchEveryMs).unref()
    },
    end(): { readonly mostAnonymousMb?: number } {
      clearInterval(timer)
      return canMeter ? { mostAnonymousMb } : {}
    },
  }
}
