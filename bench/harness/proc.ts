/**
 * What Linux reports about a process in /proc. CPU time counts all threads of the process and hardly changes when the machine is shared, so
 * it is the figure to compare two runs by.
 */
import { readFileSync } from 'node:fs'

/** Of `utime` and `stime` (proc_pid_stat(5)): USER_HZ is 100 on every architecture that Node runs on. */
const msPerTick = 10

export type Memory = {
  /** Proportional set size: a page that n processes share counts as a nth. */
  readonly pssMb: number
  /** Anonymous memory in RAM: what the kernel can't take back, as it can the pages of files. */
  readonly anonymousMb: number
}

/** User and system time of all threads so far, in ms; undefined if there is no such process. */
export function cpuMsOf(pid: number): number | undefined {
  const text = read(`/proc/${pid}/stat`)
  return text === undefined ? undefined : cpuMsFrom(text)
}

/** Undefined if there is no such process. */
export function memoryOf(pid: number): Memory | undefined {
  const rollup = read(`/proc/${pid}/smaps_rollup`)
  const status = read(`/proc/${pid}/status`)
  if (rollup === undefined || status === undefined) return undefined
  return { pssMb: megabytesFrom(rollup, 'Pss'), anonymousMb: megabytesFrom(status, 'RssAnon') }
}

/** Cheaper than `memoryOf`, which walks over all pages. Undefined if there is no such process. */
export function anonymousMbOf(pid: number): number | undefined {
  const status = read(`/proc/${pid}/status`)
  // A process that is ending has no memory any more.
  return status?.includes('RssAnon:') ? megabytesFrom(status, 'RssAnon') : undefined
}

/** @param stat the text of /proc/<pid>/stat; the name in brackets may hold spaces and brackets itself */
export function cpuMsFrom(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  // The state is field 3, so utime and stime, fields 14 and 15, are the 12th and 13th of these.
  const [utime, stime] = [Number(fields[11]), Number(fields[12])]
  if (!Number.isInteger(utime) || !Number.isInteger(stime))
    throw new Error(`"${stat.trim()}" is not a line of /proc/<pid>/stat`)
  return (utime + stime) * msPerTick
}

/** A line `Name:   123 kB` of /proc/<pid>/status or smaps_rollup. @throws Error if there is no line of that name */
export function megabytesFrom(text: string, name: string): number {
  const kilobytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]
  if (kilobytes === undefined) throw new Error(`there is no line "${name}" in kB`)
  return Number(kilobytes) / 1024
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    // ESRCH: it ended between being opened and being read.
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH'))
      return undefined
    throw error
  }
}
