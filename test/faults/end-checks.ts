/** The checks after the faults have stopped: all answers that clients got, against the log. */
import { type ExecFileException, execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Cluster, openCluster } from '@streampay/kafka'
import type { BankClient } from '../support/bank-client.ts'
import { readCommitted } from '../support/committed-log.ts'
import { type Intent, isPaymentOutcome, toldText } from '../support/intent.ts'
import { auditLog, paymentsByKey } from '../support/ledger-check.ts'
import type { FaultyLog } from './faulty-log.ts'
import type { Fleet } from './fleet.ts'
import { untilQuiet } from './quiet-check.ts'
import { checkSnapshot, checkWitness } from './sse-check.ts'
import type { SseClient } from './sse-client.ts'

export type EndChecksOptions = {
  readonly fleet: Fleet
  readonly log: FaultyLog
  readonly bank: BankClient
  readonly intents: readonly Intent[]
  readonly givenUp: readonly Intent[]
  readonly clients: readonly SseClient[]
  readonly note: (line: string) => void
}

const readyTimeoutMs = 120_000
const quietTimeoutMs = 90_000
const auditTimeoutMs = 120_000
const retryTimeoutMs = 30_000
const retriesAtOnce = 16
/** Two heartbeats: by then every open stream has reported its position. */
const streamsTimeoutMs = 40_000
const pollEveryMs = 250
const root = join(import.meta.dirname, '../..')

/** The load has ended, and all faults are healed. @returns the violations, in words */
export async function checkAtTheEnd(options: EndChecksOptions): Promise<string[]> {
  const { fleet, log, intents, givenUp, note } = options
  const faults: string[] = []
  await log.serving(readyTimeoutMs)
  await fleet.ready(readyTimeoutMs)
  // The simulation is the only service that sends commands by itself.
  await fleet.simulation.stop()
  const cluster = openCluster({ brokers: log.brokers, clientId: 'fault-harness' })
  try {
    await cluster.ready({ timeoutMs: readyTimeoutMs })
    note('waiting until all is quiet')
    faults.push(...(await untilQuiet(cluster, quietTimeoutMs)).map((text) => `not quiet: ${text}`))
    note('auditing')
    const before = await auditLog(log.brokers, intents)
    faults.push(...before.faults)
    if (givenUp.length > 0) {
      note(`repeating ${givenUp.length} commands that clients had given up`)
      const done = paymentsByKey(before.cut, new Set(givenUp.map(({ identity }) => identity)))
      faults.push(...(await repeatGivenUp(options, (key) => done.has(key))))
      faults.push(...(await untilQuiet(cluster, quietTimeoutMs)).map((text) => `not quiet after repeating: ${text}`))
    }
    note('auditing again, with everything answered')
    const after = await auditLog(log.brokers, intents)
    faults.push(...after.faults.filter((fault) => !before.faults.includes(fault)))
    faults.push(...(await auditByCommand(log.brokers)))
    faults.push(...stateFailures(fleet))
    note('comparing streams')
    faults.push(...(await checkStreams(options, cluster)))
    return faults
  } finally {
    await cluster.close()
  }
}

/** State on disk may be lost at any time, and no process may fail because of that. */
function stateFailures(fleet: Fleet): string[] {
  return fleet.all.flatMap((process) => fleet.stateLog(process).failures.map((line) => `${process.name}: ${line}`))
}

/** Runs `npm run audit`, as an operator does; its output matters only if it finds something. */
async function auditByCommand(brokers: readonly string[]): Promise<string[]> {
  const command = ['scripts/run.js', 'apps/audit/src/main.ts', '--brokers', brokers.join(',')]
  try {
    await promisify(execFile)(process.execPath, command, { cwd: root, timeout: auditTimeoutMs })
    return []
  } catch (error) {
    // With the command's stderr, but not its stdout.
    const { message, stdout } = error as ExecFileException & { readonly stdout: string }
    return [`npm run audit: ${message.trim()} ${stdout.trim()}`]
  }
}

/** One retry with the same key settles each intent. An intent that is on the ledger already is acknowledged. */
async function repeatGivenUp({ bank, givenUp }: EndChecksOptions, isDone: (key: string) => boolean): Promise<string[]> {
  const faults: string[] = []
  for (let from = 0; from < givenUp.length; from += retriesAtOnce) {
    await Promise.all(givenUp.slice(from, from + retriesAtOnce).map(repeat))
  }
  return faults

  async function repeat(intent: Intent): Promise<void> {
    const wasDone = isDone(intent.key)
    try {
      const told = await bank.settle(intent, { timeoutMs: retryTimeoutMs })
      if (!isPaymentOutcome(told)) faults.push(`payment ${intent.key}, repeated, was told ${toldText(told)}`)
      if (wasDone && (told.status !== 200 || !told.replayed)) {
        faults.push(
          `payment ${intent.key} was on the ledger, but its retry was told ${toldText(told)} as something new`,
        )
      }
    } catch (error) {
      faults.push(error instanceof Error ? error.message : String(error))
    }
  }
}

async function checkStreams(options: EndChecksOptions, cluster: Cluster): Promise<string[]> {
  const { clients } = options
  const topics = [...new Set(clients.map(({ view }) => view.topic))]
  const contents = new Map(
    await Promise.all(topics.map(async (topic) => [topic, await readCommitted(cluster, topic)] as const)),
  )
  const faults: string[] = []
  await until(() => clients.every((client) => isThere(client, contents.get(client.view.topic)?.ends ?? [])))
  for (const client of clients) {
    const found = contents.get(client.view.topic)
    if (found === undefined) throw new Error(`${client.view.topic} was not read`)
    if (!isThere(client, found.ends)) {
      faults.push(`${client.name} is at ${client.position?.join(', ')} of ${found.ends.join(', ')}`)
    }
    faults.push(...client.faults, ...checkWitness(client, found))
    // A run deletes no records, so there is no reason why a position could not be continued.
    faults.push(...client.resets.map((reset) => `reset without a reason: ${reset}`))
    if (client.view.kind === 'compacted') faults.push(...(await checkSnapshots(options, client)))
  }
  return faults
}

async function checkSnapshots({ bank }: EndChecksOptions, client: SseClient): Promise<string[]> {
  const faults: string[] = []
  for (let gateway = 0; gateway < bank.gateways; gateway++) {
    const { status, body } = await bank.getAll(client.identity, client.view.path, gateway)
    const isEmpty = status === 404 && client.view.snapshot === 'one'
    if (status !== 200 && !isEmpty) faults.push(`the snapshot of ${client.name} has status ${status}`)
    else {
      const values = isEmpty ? [] : client.view.snapshot === 'one' ? [body] : (body as unknown[])
      faults.push(...checkSnapshot(client, values, `gateway ${gateway}`))
    }
  }
  return faults
}

function isThere({ position }: SseClient, ends: readonly number[]): boolean {
  return ends.every((end, partition) => (position?.[partition] ?? 0) >= end)
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + streamsTimeoutMs
  while (!condition() && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, pollEveryMs))
}
