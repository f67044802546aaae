import { parseArgs } from 'node:util'
import { faultKinds } from './fault-kinds.ts'
import { maxPayments } from './fleet.ts'
import { type LogName, logNames } from './open-faulty-log.ts'

export type HarnessOptions = {
  readonly log: LogName
  readonly minutes: number
  readonly seed: string
  /** Names of fault kinds. */
  readonly faults: readonly string[]
  /** Seconds for which the log is down at the start; 0 for no outage. */
  readonly outageSeconds: number
  /** New commands a second, at most. */
  readonly rate: number
  readonly people: number
  readonly simulationSpeed: number
  readonly standbys: number
  /** Payments processes at the start. */
  readonly processes: number
  readonly json: string | undefined
  readonly keep: boolean
}

/** A mistake in the options, in one sentence. */
export class UsageError extends Error {}

const kinds = faultKinds.map(({ kind }) => kind)

export const helpText = `npm run test:faults -- [options]

Runs StreamPay under load while a nemesis kills, pauses and disconnects its parts, then compares everything that clients were
told with the log. Exit code 0: nothing was violated; 1: something was, and the logs are kept; 2: wrong options;
130: interrupted.

  --log <name>          ${logNames.join(', ')} (embedded): the embedded broker; Apache Kafka 4.0 on one node;
                        4.3 on three with replication 3 and min.insync.replicas 2; 3.9 on one node
  --minutes <n>         how long the nemesis is at work, fractions allowed (2)
  --seed <text>         of the choices of nemesis and clients (the time)
  --faults <kinds>      which it may choose, separated by commas (all):
                        ${lines(kinds, 90).join('\n                        ')}
                        none: no faults, load alone.
                        …-state-…: the folder of local state is deleted, cut, overwritten, put back from an older copy
                        or swapped while its owner is down, or deleted or replaced while it runs; each must be wiped
                        with a reason, or be harmless
  --outage <seconds>    first takes the log down for so long, and checks what clients see meanwhile (0: no outage)
  --rate <n>            new commands a second, at most (60)
  --people <n>          clients (40)
  --speed <factor>      of the simulated users (5)
  --processes <n>       payments processes at the start, of 3 at most; the fault \`scale\` changes it (1)
  --standbys <n>        payments processes that keep each partition's state ready to take over, of 3 at most (1)
  --json <file>         writes the summary there, too
  --keep                keeps the logs of a clean run as well
  --help                this text

Apache Kafka needs Java 17 and, the first time, Maven. Ctrl-C ends everything.`

/** @returns `help` when that was asked for. @throws UsageError */
export function parseOptions(args: readonly string[], now: number): HarnessOptions | 'help' {
  const values = parsed(args)
  if (values.help === true) return 'help'
  return {
    log: logNamed(values.log),
    minutes: numberOf('minutes', values.minutes, { min: 0.1, max: 24 * 60 }),
    seed: values.seed ?? String(now),
    faults: faultsNamed(values.faults),
    outageSeconds: numberOf('outage', values.outage, { min: 0, max: 3_600 }),
    rate: numberOf('rate', values.rate, { min: 1, max: 1_000 }),
    people: wholeNumberOf('people', values.people, { min: 4, max: 1_000 }),
    simulationSpeed: numberOf('speed', values.speed, { min: 0.01, max: 100 }),
    standbys: wholeNumberOf('standbys', values.standbys, { min: 0, max: maxPayments - 1 }),
    processes: wholeNumberOf('processes', values.processes, { min: 1, max: maxPayments }),
    json: values.json,
    keep: values.keep === true,
  }
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        log: { type: 'string', default: 'embedded' },
        minutes: { type: 'string', default: '2' },
        seed: { type: 'string' },
        faults: { type: 'string', default: kinds.join(',') },
        outage: { type: 'string', default: '0' },
        rate: { type: 'string', default: '60' },
        people: { type: 'string', default: '40' },
        speed: { type: 'string', default: '5' },
        standbys: { type: 'string', default: '1' },
        processes: { type: 'string', default: '1' },
        json: { type: 'string' },
        keep: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new UsageError(`${message.split('. ')[0]}. See npm run test:faults -- --help.`, { cause })
  }
}

function logNamed(text: string): LogName {
  const name = logNames.find((known) => known === text)
  if (name === undefined) throw new UsageError(`--log must be one of ${logNames.join(', ')}; "${text}" isn't.`)
  return name
}

function faultsNamed(text: string): string[] {
  if (text === 'none') return []
  const names = text.split(',').map((name) => name.trim())
  const unknown = names.find((name) => !kinds.includes(name))
  if (unknown !== undefined) throw new UsageError(`--faults knows ${kinds.join(', ')}, but no "${unknown}".`)
  return names
}

function numberOf(name: string, text: string, { min, max }: { readonly min: number; readonly max: number }): number {
  const value = Number(text)
  if (text.trim() !== '' && value >= min && value <= max) return value
  throw new UsageError(`--${name} must be from ${min} to ${max}; "${text}" isn't.`)
}

function wholeNumberOf(name: string, text: string, limits: { readonly min: number; readonly max: number }): number {
  const value = numberOf(name, text, limits)
  if (Number.isInteger(value)) return value
  throw new UsageError(`--${name} must be a whole number; "${text}" isn't.`)
}

function lines(words: readonly string[], width: number): string[] {
  const filled = ['']
  for (const word of words) {
    const last = filled.at(-1) ?? ''
    if (last.length + word.length + 2 > width) filled.push(word)
    else filled[filled.length - 1] = last === '' ? word : `${last}, ${word}`
  }
  return filled
}
