/** The small bank on the simulated log: starts it, sends it commands, and checks the results. */
import { keyOf, partitionForKey, type RecordToSend } from '@streampay/kafka'
import { pino } from 'pino'
import type { Registry } from 'prom-client'
import { expect } from 'vitest'
import { internalTopics, type Limits, type RunningTopology, type RuntimeHooks, type Topology } from '../../src/index.ts'
import type { StreamClock } from '../../src/log/stream-clock.ts'
import { runOn } from '../../src/runtime/runtime.ts'
import { decodePosition } from '../../src/state/positions.ts'
import type { OpenState } from '../../src/state/state-options.ts'
import { type Account, bankTopology, json, opening } from './bank.ts'
import { SimulatedLog, type SimulatedProcess } from './simulated-log.ts'
import { silent } from './unobserved.ts'

const partitionCount = 4
const running: { topology: RunningTopology; process: SimulatedProcess }[] = []

export function bankLog(): SimulatedLog {
  const internal = internalTopics(bankTopology(), partitionCount).map((topic) => topic.name)
  return new SimulatedLog(['owners', 'transfers', 'commands', 'replies', 'dead-letters', ...internal], partitionCount)
}

/** A line of the runtime's log. */
export type LogEntry = Readonly<Record<string, unknown>> & { readonly msg: string }

type RunSettings = {
  slot?: number
  process?: SimulatedProcess
  hooks?: RuntimeHooks
  limits?: Partial<Limits>
  numStandbyReplicas?: number
  clock?: StreamClock
  topology?: Topology
  registry?: Registry
  openState?: OpenState
  onLog?: (entry: LogEntry) => void
}

export function run(log: SimulatedLog, settings: RunSettings = {}): RunningTopology {
  const { slot = 0, process = log.process(), topology = bankTopology(), onLog, ...options } = settings
  const logger = onLog === undefined ? silent : pino({}, { write: (line) => onLog(JSON.parse(line) as LogEntry) })
  const topologyRun = runOn(process, topology, { slot, logger, ...options })
  topologyRun.done.catch(() => undefined)
  running.push({ topology: topologyRun, process })
  return topologyRun
}

/** Closes everything that a test left running. */
export async function closeAll(): Promise<void> {
  // A killed process is not closed by any other code.
  const alive = running.splice(0).filter(({ process }) => !process.dead)
  await Promise.all(alive.map(({ topology }) => topology.close().catch(() => undefined)))
}

export const names = ['ann', 'bob', 'cid', 'dot', 'eve', 'fay', 'gus', 'hal']

export function payment(i: number): RecordToSend {
  const from = names[i % names.length] ?? ''
  const to = names[(i * 3 + 1) % names.length] ?? ''
  return { topic: 'commands', key: from, value: JSON.stringify({ to, amount: 1 + (i % 40) }) }
}

/** Resolves when the condition holds; checked each time that the log changes. */
export async function until(log: SimulatedLog, condition: () => boolean): Promise<void> {
  while (!condition()) await log.changed
}

/** Latest committed state of the bank, from its changelog. */
export function balances(log: SimulatedLog): Map<string, Account> {
  const accounts = new Map<string, Account>()
  for (const { key, value } of log.committed('bank-accounts-changelog')) {
    if (key !== null && value !== null) accounts.set(key.toString(), json<Account>().decode(value))
  }
  return accounts
}

/** Every command is answered and every transfer applied, by the positions changelog. */
export const quiet = (log: SimulatedLog, commands: number) => () => {
  if (log.committed('replies').length < commands) return false
  const read = new Map<string, number>()
  for (const { key, partition, value } of log.committed('bank-positions-changelog')) {
    if (key === null || value === null) continue
    read.set(keyOf({ topic: key.toString(), partition }), decodePosition(value).offset)
  }
  return Array.from({ length: partitionCount }, (_, partition) => ({ topic: 'transfers', partition })).every(
    (at) => log.fetch(at, read.get(keyOf(at)) ?? 0).records.length === 0,
  )
}

/** Every command answered once, every transfer applied once, and no money made or lost. */
export function expectExactlyOnce(log: SimulatedLog, commands: number): void {
  const replies = log.committed('replies')
  const answered = replies.map((reply) => reply.headers.find(([name]) => name === 'command')?.[1]?.toString())
  expect(new Set(answered).size).toBe(commands)
  expect(replies).toHaveLength(commands)
  const expected = new Map<string, number>()
  const add = (name: string, amount: number) => expected.set(name, (expected.get(name) ?? opening) + amount)
  const paid = new Set(replies.filter((r) => r.value?.toString() === 'paid').map((r) => r.headers[0]?.[1]?.toString()))
  for (const { partition, offset, key, value } of log.committed('commands')) {
    if (!paid.has(`${partition}/${offset}`)) continue
    const { to, amount } = JSON.parse(value?.toString() ?? '') as { to: string; amount: number }
    add(key?.toString() ?? '', -amount)
    add(to, amount)
  }
  const actual = balances(log)
  for (const [name, balance] of expected) expect([name, actual.get(name)?.balance]).toEqual([name, balance])
}

/** The task of an account. */
export function bankPartition(account: string): number {
  return partitionForKey(account, partitionCount)
}
