/**
 * The runtime on the embedded broker, through the real client: what the simulated log takes for granted (markers, last stable
 * offsets, fencing, static members) is here done by the protocol.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Broker, type MarkerStep, startBroker } from '@streampay/broker'
import {
  AbortableError,
  type Cluster,
  openAdmin,
  openCluster,
  openProducer,
  openReader,
  partitionForKey,
  type ReceivedRecord,
} from '@streampay/kafka'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CommitStep, internalTopics, type RunningTopology, type RuntimeHooks, runTopology } from '../src/index.ts'
import { type Account, bankTopology, json, opening } from './support/bank.ts'

const partitions = 4

type LogEntry = { readonly msg: string; readonly behind?: Record<string, number> }
const listeners = new Set<(entry: LogEntry) => void>()
const logger = pino(
  { level: 'info' },
  {
    write: (line: string) => {
      if (process.env.STREAMS_TEST_LOG !== undefined) process.stderr.write(line)
      for (const listener of listeners) listener(JSON.parse(line) as LogEntry)
    },
  },
)

/** The next entry of the runtime's log that is what the test waits for. */
function logged(wanted: (entry: LogEntry) => boolean): Promise<LogEntry> {
  return new Promise((resolve) => {
    const listener = (entry: LogEntry) => {
      if (!wanted(entry)) return
      listeners.delete(listener)
      resolve(entry)
    }
    listeners.add(listener)
  })
}

const limits = { sessionTimeoutMs: 6_000, transactionTimeoutMs: 10_000 }

let dataDir = ''
let broker: Broker
let outside: Cluster
/** May hold a marker back. */
/** Whatever a test holds back is let go at its end. */
let gate = Promise.withResolvers<void>()
let beforeMarker: (step: MarkerStep) => Promise<void> = async () => undefined
const clusters: Cluster[] = []
const running: RunningTopology[] = []

beforeEach(async () => {
  gate = Promise.withResolvers<void>()
  dataDir = await mkdtemp(join(tmpdir(), 'streams-'))
  broker = await startBroker({ dataDir, port: 0, beforeMarker: (step) => beforeMarker(step) })
  outside = connect()
  const names = ['owners', 'transfers', 'commands', 'replies', 'dead-letters']
  const topics = [
    ...names.map((name) => ({ name, partitions })),
    ...internalTopics(bankTopology(), partitions).map(({ config, ...topic }) => ({ ...topic, configs: config })),
  ]
  await openAdmin(outside).createTopics(topics)
})

afterEach(async () => {
  gate.resolve()
  beforeMarker = async () => undefined
  await Promise.all(running.splice(0).map((topology) => topology.close().catch(() => undefined)))
  await Promise.all(clusters.splice(0).map((cluster) => cluster.close()))
  await broker.close()
  await rm(dataDir, { recursive: true, force: true })
})

function connect(): Cluster {
  const cluster = openCluster({ brokers: [`${broker.host}:${broker.port}`], clientId: 'streams-test' })
  clusters.push(cluster)
  return cluster
}

function run(options: { slot?: number; hooks?: RuntimeHooks; cluster?: Cluster } = {}): RunningTopology {
  const { slot = 0, hooks = {}, cluster = connect() } = options
  const topology = runTopology(bankTopology(), { cluster, slot, logger, limits, hooks })
  topology.done.catch(() => undefined)
  running.push(topology)
  return topology
}

/**
 * A process that is killed before the given step of its `nth` transaction: its connections break and nothing of it runs on.
 * `killed` resolves when that has happened.
 */
function runAndKill(options: { slot?: number; step: CommitStep; nth: number }): {
  topology: RunningTopology
  killed: Promise<void>
} {
  const cluster = connect()
  const killed = Promise.withResolvers<void>()
  let seen = 0
  const before = async (step: CommitStep) => {
    if (step !== options.step || ++seen < options.nth) return
    await cluster.close()
    killed.resolve()
    await new Promise(() => undefined)
  }
  const topology = runTopology(bankTopology(), { cluster, slot: options.slot ?? 0, logger, limits, hooks: { before } })
  topology.done.catch(() => undefined)
  return { topology, killed: killed.promise }
}

const names = ['ann', 'bob', 'cid', 'dot', 'eve', 'fay', 'gus', 'hal']

async function pay(from: number, to: number): Promise<void> {
  const producer = openProducer(outside)
  const records = Array.from({ length: to - from }, (_, n) => {
    const i = from + n
    const value = JSON.stringify({ to: names[(i * 3 + 1) % names.length], amount: 1 + (i % 40) })
    return { topic: 'commands', key: names[i % names.length] ?? '', value }
  })
  await producer.send(records)
  await producer.close()
}

/** Reads a topic as a read_committed consumer does until the condition holds of all its records. */
async function readUntil(topic: string, enough: (records: ReceivedRecord[]) => boolean): Promise<ReceivedRecord[]> {
  const reader = openReader(outside, { maxWaitMs: 50 })
  reader.assign(Array.from({ length: partitions }, (_, partition) => ({ topic, partition, offset: 0 })))
  const records: ReceivedRecord[] = []
  while (!enough(records)) for (const fetched of await reader.poll()) records.push(...fetched.records)
  await reader.close()
  return records
}

const repliesOf = (count: number) => readUntil('replies', (records) => records.length >= count)
const commandOf = (reply: ReceivedRecord) => reply.headers.find(([name]) => name === 'command')?.[1]?.toString() ?? ''

/** The last version of each account, once all transfers are applied. */
async function accountsAfter(applied: number): Promise<Map<string, Account>> {
  const accounts = new Map<string, Account>()
  await readUntil('bank-accounts-changelog', (records) => {
    for (const { key, value } of records)
      accounts.set(key?.toString() ?? '', json<Account>().decode(value ?? Buffer.alloc(0)))
    return [...accounts.values()].reduce((sum, { version }) => sum + version, 0) >= applied
  })
  return accounts
}

/** One reply a command, and two applications (debit and credit) of each payment that was made. */
async function expectExactlyOnce(commands: number): Promise<void> {
  const replies = await repliesOf(commands)
  expect(replies).toHaveLength(commands)
  expect(new Set(replies.map(commandOf)).size).toBe(commands)
  const paid = replies.filter((reply) => reply.value?.toString() === 'paid')
  const accounts = await accountsAfter(2 * paid.length)
  const total = [...accounts.values()].reduce((sum, { balance }) => sum + balance, 0)
  expect(total).toBe(accounts.size * opening)
  const versions = [...accounts.values()].reduce((sum, { version }) => sum + version, 0)
  expect(versions).toBe(2 * paid.length)
}

describe('the runtime on the embedded broker', () => {
  it('processes, restarts, and goes on with the state it had', async () => {
    await pay(0, 20)
    const first = run()
    await first.ready
    await expectExactlyOnce(20)
    await first.close()
    await pay(20, 40)
    const second = run()
    await second.ready
    expect(second.tasks).toEqual([0, 1, 2, 3])
    await expectExactlyOnce(40)
  })

  it.each(['produce', 'offsets', 'commit', 'committed'] as const)(
    'survives a kill before "%s" with nothing lost and nothing doubled',
    async (step) => {
      await pay(0, 12)
      const { killed } = runAndKill({ step, nth: 2 })
      await killed
      await pay(12, 24)
      const successor = run()
      await successor.ready
      await expectExactlyOnce(24)
    },
  )

  it('fences a zombie: the process that was thought dead cannot commit', async () => {
    const held = Promise.withResolvers<void>()
    const before = async (step: CommitStep) => {
      if (step !== 'commit') return
      held.resolve()
      await gate.promise
    }
    const zombie = run({ hooks: { before } })
    await zombie.ready
    await pay(0, 8)
    await held.promise
    const successor = run()
    await successor.ready
    gate.resolve()
    await expect(zombie.done).rejects.toBeDefined()
    await expectExactlyOnce(8)
  })

  it('shares the tasks between two processes, and hands all over when one leaves', async () => {
    const first = run({ slot: 0 })
    await first.ready
    await pay(0, 10)
    const second = run({ slot: 1 })
    await second.ready
    await pay(10, 20)
    await repliesOf(20)
    expect([...first.tasks, ...second.tasks].sort()).toEqual([0, 1, 2, 3])
    expect(first.tasks).toHaveLength(2)
    await first.close({ leave: true })
    await pay(20, 30)
    await expectExactlyOnce(30)
  })

  it('takes over from a member that was killed, ending its transaction at once', async () => {
    const { topology, killed } = runAndKill({ slot: 0, step: 'commit', nth: 3 })
    await topology.ready
    const second = run({ slot: 1 })
    await second.ready
    let sent = 0
    let dead = false
    killed.then(() => {
      dead = true
    }, undefined)
    while (!dead) {
      await pay(sent, sent + 8)
      sent += 8
      // What the survivor owns is answered; the rest waits for the dead one's session to end.
      await Promise.race([killed, readUntil('replies', (replies) => replies.length >= sent)])
    }
    await expectExactlyOnce(sent)
    expect(second.tasks).toEqual([0, 1, 2, 3])
  }, 30_000)

  /**
   * KAFKA-10167 with the broker's own markers. EndTxn is answered before they are all written; then a rebalance moves the
   * tasks of a member that is alive, so that nobody waits for its transactional id. The offsets are committed, the debit's
   * marker is late: whoever has Ann's task now must wait for it.
   */
  it('waits for a commit marker that only the changelog lacks, so that no debit is lost', async () => {
    beforeMarker = async (step) => {
      if (step.topic === 'bank-accounts-changelog') await gate.promise
    }
    const committed = Promise.withResolvers<void>()
    let commits = 0
    const before = (step: CommitStep) => {
      if (step === 'committed' && ++commits === 1) committed.resolve()
      // The credit would be the next transaction, which has to wait for the markers of the first, and the rebalance for it.
      if (step === 'produce' && commits > 0) throw new AbortableError('not before the rebalance')
    }
    const first = run({ slot: 0, hooks: { before } })
    await first.ready
    const producer = openProducer(outside)
    const command = (to: string) => ({ topic: 'commands', key: 'ann', value: JSON.stringify({ to, amount: 80 }) })
    await producer.send([command('bob')])
    await committed.promise
    const second = run({ slot: 1 })
    await producer.send([command('cid')])
    const waiting = await logged(
      (entry) =>
        entry.msg === 'restoring' && Object.keys(entry.behind ?? {}).some((key) => key.startsWith('bank-accounts')),
    )
    expect(Object.keys(waiting.behind ?? {})).toEqual([`bank-accounts-changelog/${partitionForKey('ann', partitions)}`])
    expect(await repliesOf(1)).toHaveLength(1)
    gate.resolve()
    commits = 0
    await second.ready
    const replies = await repliesOf(2)
    expect(replies.map((reply) => reply.value?.toString())).toEqual(['paid', 'insufficient funds: 20'])
    await producer.close()
  })
})
