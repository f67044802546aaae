/** Processes of the bank on the log in memory, whose restorations and log a test can read. */
import { Registry } from 'prom-client'
import { expect } from 'vitest'
import { type LogEntry, payment, quiet, run, until } from './simulated-bank.ts'
import type { SimulatedLog } from './simulated-log.ts'

export const changelogs = ['bank-accounts-changelog', 'bank-positions-changelog']

/** Runs a process whose restorations and log a test can read. */
export function watched(log: SimulatedLog, settings: Parameters<typeof run>[1] = {}) {
  const registry = new Registry()
  const entries: LogEntry[] = []
  const topology = run(log, { ...settings, registry, onLog: (entry) => entries.push(entry) })
  const restored = async () => {
    const metric = await registry.getSingleMetric('streams_restored_records_total')?.get()
    return metric?.values[0]?.value ?? 0
  }
  const said = (msg: string) => entries.filter((entry) => entry.msg === msg)
  return { topology, registry, restored, said }
}

/** Changelog records of these tasks that a consumer would see. */
export function written(log: SimulatedLog, tasks: readonly number[]): number {
  return changelogs.flatMap((topic) => log.committed(topic).filter(({ partition }) => tasks.includes(partition))).length
}

/** Payments number `from` up to, not including, `to`, and everything that follows from them. */
export async function pay(log: SimulatedLog, from: number, to: number): Promise<void> {
  for (let i = from; i < to; i++) log.write(payment(i))
  await until(log, quiet(log, to))
}

/** Some of the records that are awaited are not on the log. */
export function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  return expect.poll(condition, { timeout: 10_000, interval: 5 }).toBe(true)
}
