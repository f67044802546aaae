/** Resident memory of every service of a StreamPay, once a second, and its processor time, by phase (Linux). */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export type MemoryWatch = {
  begin(phase: string): void
  /** A line for each service: megabytes at the end of each phase, the most during it, and seconds of processor time. */
  stop(): string[]
  /** Services that did not live through it all. */
  readonly faults: string[]
}

type Phase = {
  readonly name: string
  readonly last: Map<string, number>
  readonly most: Map<string, number>
  readonly cpuAtStart: ReadonlyMap<string, number>
  cpuAtEnd: ReadonlyMap<string, number>
}

const pageBytes = 4096

export function watchMemory(dataDir: string): MemoryWatch {
  const phases: Phase[] = []
  const faults: string[] = []
  const pids = pidsOf(dataDir)
  const sample = () => {
    const phase = phases.at(-1)
    if (phase === undefined) return
    for (const [service, pid] of pids) {
      const megabytes = residentOf(pid)
      phase.last.set(service, megabytes)
      phase.most.set(service, Math.max(megabytes, phase.most.get(service) ?? 0))
    }
  }
  const timer = setInterval(sample, 1_000)
  return {
    faults,
    begin: (name) => {
      const cpu = new Map([...pids].map(([service, pid]) => [service, processorSecondsOf(pid)]))
      const previous = phases.at(-1)
      if (previous !== undefined) previous.cpuAtEnd = cpu
      phases.push({ name, last: new Map(), most: new Map(), cpuAtStart: cpu, cpuAtEnd: cpu })
      sample()
    },
    stop: () => {
      clearInterval(timer)
      const last = phases.at(-1)
      if (last !== undefined) {
        last.cpuAtEnd = new Map([...pids].map(([service, pid]) => [service, processorSecondsOf(pid)]))
      }
      for (const [service, pid] of pidsOf(dataDir)) {
        if (pids.get(service) !== pid) faults.push(`${service} was restarted`)
      }
      return [...pids.keys()].map((service) => {
        const text = phases.map(({ name, last, most, cpuAtStart, cpuAtEnd }) => {
          const cpu = (cpuAtEnd.get(service) ?? 0) - (cpuAtStart.get(service) ?? 0)
          const [end, peak] = [last.get(service) ?? 0, most.get(service) ?? 0]
          return `${name} ${end.toFixed(0)} MB (most ${peak.toFixed(0)}), ${cpu.toFixed(1)} s`
        })
        return `${service.padEnd(10)} ${text.join('; ')}`
      })
    },
  }
}

function pidsOf(dataDir: string): Map<string, number> {
  const run = join(dataDir, 'run')
  return new Map(
    readdirSync(run)
      .sort()
      .map((file) => [file.replace('.pid', ''), Number(readFileSync(join(run, file), 'utf8'))]),
  )
}

const ticksPerSecond = 100

function processorSecondsOf(pid: number): number {
  const fields = read(`/proc/${pid}/stat`)
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / ticksPerSecond
}

function residentOf(pid: number): number {
  const [, pages = '0'] = read(`/proc/${pid}/statm`).split(' ')
  return (Number(pages) * pageBytes) / 1024 / 1024
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    // It is being restarted: told of at the end.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ''
    throw error
  }
}
