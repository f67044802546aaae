/** A log with the state of a large bank, made once; and one payments process on a copy of it. */
import { existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Cluster, openCluster } from '@streampay/kafka'
import { bytesOfKey, defaultLimits, ensureTopics } from '@streampay/payments'
import type { ServiceDefinition } from '../../apps/launcher/src/services.ts'
import { copyOfData } from '../grow/grow.ts'
import type { Child } from '../harness/children.ts'
import type { Run } from '../harness/scenario.ts'
import { untilAnswered, untilGroupIsEmpty, untilUsersAreRead } from './answers.ts'
import { fillLog, type LargeState } from './large-state.ts'
import { definitionsFor, somePorts, startService } from './services.ts'

export type Bank = {
  readonly run: Run
  readonly data: string
  readonly definitions: ReadonlyMap<string, ServiceDefinition>
  readonly cluster: Cluster
  readonly keys: number
}

/** Keys count for a day, and are filled as if they were an hour old: after half a day they are filled anew, before they expire. */
const freshMs = 12 * 3_600_000

/** So that no command is refused because of the keys that are there. */
export function roomForKeys(keys: number): Readonly<Record<string, string>> {
  return { PAYMENTS_IDEMPOTENCY_BYTES: String(Math.max(defaultLimits.maxIdempotencyBytes, keys * bytesOfKey)) }
}

export type PaymentsStart = {
  readonly name?: string
  readonly standbys?: number
  readonly onSpawn?: (pid: number) => void
}

export function startPayments(
  { run, definitions, keys }: Bank,
  { name = 'payments', standbys = 0, onSpawn }: PaymentsStart = {},
): Promise<Child> {
  const env = {
    PAYMENTS_TOPOLOGIES: 'payments',
    PAYMENTS_STANDBY_REPLICAS: String(standbys),
    ...roomForKeys(keys),
  }
  return startService(name, { children: run.children, definitions, env, onSpawn })
}

/** It leaves its group, so that no other process waits for its session to end. */
export async function leave({ cluster }: Bank, child: Child): Promise<void> {
  child.process.kill('SIGUSR2')
  await child.ended
  await untilGroupIsEmpty(cluster)
}

export function brokersOf(definitions: ReadonlyMap<string, ServiceDefinition>): string {
  return definitions.get('payments')?.env.KAFKA_BROKERS ?? ''
}

/** A copy of the folder with this state, which is made first unless it is there. The caller removes it. */
export async function copyOfBank(state: LargeState, run: Run): Promise<string> {
  const folder = join(run.scratch, 'states', `${state.accounts}-accounts-${state.keys}-keys`)
  if (!existsSync(folder) || Date.now() - statSync(folder).mtimeMs > freshMs) {
    const making = `${folder}.making`
    rmSync(making, { recursive: true, force: true })
    mkdirSync(making, { recursive: true })
    await make(run, making, state)
    rmSync(folder, { recursive: true, force: true })
    renameSync(making, folder)
    run.print(`${folder} is filled`)
  }
  return copyOfData(folder, run)
}

/** Filled, and started once: the users are read, and positions committed. */
async function make(run: Run, data: string, state: LargeState): Promise<void> {
  const definitions = definitionsFor(data, await somePorts())
  const broker = await startService('broker', { children: run.children, definitions })
  const cluster = openCluster({ brokers: [brokersOf(definitions)], clientId: 'bench' })
  await cluster.ready()
  await ensureTopics(cluster)
  await fillLog(cluster, state)
  const bank = { run, data, definitions, cluster, keys: state.keys }
  const payments = await startPayments(bank)
  await untilAnswered(cluster)
  await untilUsersAreRead(cluster)
  await leave(bank, payments)
  await cluster.close()
  await broker.stop()
}
