/** The machine and the commit of a result. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { arch, cpus, loadavg, platform, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { canMeter } from './meter.ts'

export type Machine = {
  readonly cpu: string
  readonly cores: number
  readonly memoryGb: number
  readonly system: string
  readonly node: string
  /** Load of the minute before the run: a busy machine affects rates and latencies. */
  readonly loadBefore: number
  /** Why CPU and memory of the processes are missing, if they are. */
  readonly unmetered?: string
}

export type Code = {
  readonly commit: string
  /** Whether files differ from the commit. */
  readonly changed: boolean
  readonly version: string
}

export function thisMachine(): Machine {
  const [cpu] = cpus()
  return {
    cpu: cpu?.model ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 1024 ** 3),
    system: `${platform()} ${release()} ${arch()}`,
    node: process.versions.node,
    loadBefore: Math.round((loadavg()[0] ?? 0) * 100) / 100,
    ...(canMeter ? {} : { unmetered: 'there is no /proc here, so CPU and memory of the processes are not known' }),
  }
}

/** Changes of results don't count as changes of the code. */
export function thisCode(root: string): Code {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim()
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  try {
    const status = git('status', '--porcelain', '--', '.', ':!bench/results', ':!docs')
    return { commit: git('rev-parse', '--short=12', 'HEAD'), changed: status !== '', version }
  } catch {
    // A download without its history, or no git.
    return { commit: 'unknown', changed: true, version }
  }
}
