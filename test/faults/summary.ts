/** The result of a run, for people and as JSON. */
import type { Recovery } from './nemesis.ts'
import type { OutageReport } from './outage.ts'

export type Summary = {
  readonly seed: string
  readonly log: string
  readonly command: string
  /** The work of the nemesis. */
  readonly seconds: number
  readonly isClean: boolean
  readonly violations: readonly string[]
  /** From the beginning of the load to the first violation. */
  readonly foundAfterSeconds?: number
  readonly commands: {
    readonly intents: number
    /** Intents by how they ended: the status of the definite answer. */
    readonly outcomes: Readonly<Record<string, number>>
    /** Single answers by status; `none` if no complete one came. */
    readonly answers: Readonly<Record<string, number>>
    readonly tally: Readonly<Record<string, number>>
    readonly givenUp: number
    readonly acknowledgedPayments: number
  }
  readonly faults: Readonly<Record<string, number>>
  readonly recovery: RecoveryTimes
  readonly recoveryByKind: Readonly<Record<string, RecoveryTimes>>
  readonly outage: OutageReport | undefined
  readonly streams: {
    readonly clients: number
    readonly events: number
    readonly connects: number
    readonly heartbeats: number
    readonly resets: number
  }
  /** MiB. */
  readonly peakMemory: Readonly<Record<string, number>>
  /** Processes that ended without being killed, by name. */
  readonly ownExits: Readonly<Record<string, number>>
}

/** In ms. */
export type RecoveryTimes = { readonly count: number; readonly p50: number; readonly max: number }

export function timesOf(recoveries: readonly Recovery[]): RecoveryTimes {
  const sorted = recoveries.map(({ ms }) => ms).sort((left, right) => left - right)
  return { count: sorted.length, p50: sorted[Math.floor((sorted.length - 1) / 2)] ?? 0, max: sorted.at(-1) ?? 0 }
}

/** Faults that overlapped are under `several`. */
export function timesByKind(recoveries: readonly Recovery[]): Record<string, RecoveryTimes> {
  const groups = Map.groupBy(recoveries, ({ kinds }) => (kinds.includes('+') ? 'several' : kinds))
  return Object.fromEntries([...groups].sort().map(([kind, group]) => [kind, timesOf(group)]))
}

export function countBy<T>(list: readonly T[], name: (one: T) => string): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const one of list) counts[name(one)] = (counts[name(one)] ?? 0) + 1
  return counts
}

const maxShown = 40

export function textOf(summary: Summary): string {
  const { commands, recovery, streams, outage, violations } = summary
  const kinds = Object.keys({ ...summary.faults, ...summary.recoveryByKind })
  const faults = kinds.map((kind) => {
    const times = summary.recoveryByKind[kind]
    const measured = times === undefined ? '' : `${times.count} measured, p50 ${times.p50} ms, max ${times.max} ms`
    return `  ${kind.padEnd(20)}${String(summary.faults[kind] ?? '').padStart(4)}   ${measured}`.trimEnd()
  })
  return [
    '',
    `log ${summary.log}, seed ${summary.seed}, ${summary.seconds} s under faults`,
    `again with: ${summary.command}`,
    `commands: ${commands.intents} (${listed(commands.outcomes)}), ${commands.acknowledgedPayments} payments acknowledged`,
    `  answers: ${listed(commands.answers)}; given up: ${commands.givenUp}`,
    `  ${listed(commands.tally)}`,
    `recovery: ${recovery.count} measured, p50 ${recovery.p50} ms, max ${recovery.max} ms`,
    ...faults,
    ...(outage === undefined
      ? []
      : [
          `outage of ${outage.seconds} s: ${listed(outage.answers)}; slowest answer ${outage.slowestMs} ms; ` +
            `${outage.heartbeats} heartbeats`,
        ]),
    `streams: ${streams.clients} clients, ${streams.events} events, ${streams.connects} connects, ` +
      `${streams.heartbeats} heartbeats, ${streams.resets} resets`,
    `peak memory in MiB: ${listed(summary.peakMemory)}`,
    `ended by themselves: ${listed(summary.ownExits) || 'none'}`,
    ...violations.slice(0, maxShown).map((violation) => `VIOLATION ${violation}`),
    ...(violations.length > maxShown ? [`… and ${violations.length - maxShown} more`] : []),
    summary.isClean
      ? 'clean'
      : `${violations.length} violations, the first after ${summary.foundAfterSeconds} s of load; seed ${summary.seed}`,
  ].join('\n')
}

function listed(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')
}
