/**
 * The small bank on a real log, through the real client. Every bank has topics and an application id of its own, so that
 * many can share one log.
 */
import {
  type Cluster,
  openAdmin,
  openCluster,
  openProducer,
  openReader,
  partitionForKey,
  type ReceivedRecord,
} from '@streampay/kafka'
import { pino } from 'pino'
import { expect } from 'vitest'
import {
  type CommitStep,
  internalTopics,
  type Limits,
  type RunningTopology,
  type RuntimeHooks,
  runTopology,
} from '../../src/index.ts'
import { type Account, bankTopics, bankTopology, json, opening } from './bank.ts'

const partitions = 4
const limits = { sessionTimeoutMs: 6_000, transactionTimeoutMs: 10_000 }
const names = ['ann', 'bob', 'cid', 'dot', 'eve', 'fay', 'gus', 'hal']

export type LogEntry = {
  readonly msg: string
  readonly slot?: number
  readonly tasks?: readonly number[]
  readonly records?: number
  readonly behind?: Record<string, number>
}

type RunSettings = { slot?: number; hooks?: RuntimeHooks; limits?: Partial<Limits>; numStandbyReplicas?: number }

export class Bank {
  readonly applicationId: string
  readonly #brokers: readonly string[]
  readonly #topology
  readonly #clusters: Cluster[] = []
  readonly #running: RunningTopology[] = []
  readonly #listeners = new Set<(entry: LogEntry) => void>()
  readonly #outside: Cluster

  constructor(brokers: readonly string[]) {
    this.#brokers = brokers
    this.applicationId = `bank-${crypto.randomUUID().slice(0, 8)}`
    this.#topology = bankTopology(this.applicationId, `${this.applicationId}.`)
    this.#outside = this.#connect()
  }

  static async open(brokers: readonly string[]): Promise<Bank> {
    const bank = new Bank(brokers)
    const internal = internalTopics(bank.#topology, partitions)
    await openAdmin(bank.#outside).createTopics([
      ...bankTopics.map((name) => ({ name: bank.topic(name), partitions })),
      ...internal.map(({ config, ...topic }) => ({ ...topic, configs: config })),
    ])
    return bank
  }

  topic(name: string): string {
    return `${this.applicationId}.${name}`
  }

  changelogOf(account: string): string {
    return `${this.applicationId}-accounts-changelog/${partitionForKey(account, partitions)}`
  }

  run(options: RunSettings = {}): RunningTopology {
    const running = this.#start(this.#connect(), options)
    this.#running.push(running)
    return running
  }

  /**
   * A process that is killed before the given step of its `nth` transaction: its connections break, and none of its code runs any more.
   * `killed` resolves when that has happened.
   */
  runAndKill(options: { slot?: number; step: CommitStep; nth: number; numStandbyReplicas?: number }): {
    topology: RunningTopology
    killed: Promise<void>
  } {
    const cluster = this.#connect()
    const killed = Promise.withResolvers<void>()
    let seen = 0
    const before = async (step: CommitStep) => {
      if (step !== options.step || ++seen < options.nth) return
      await cluster.close()
      killed.resolve()
      await new Promise(() => undefined)
    }
    const { slot = 0, numStandbyReplicas = 0 } = options
    const topology = this.#start(cluster, { slot, numStandbyReplicas, hooks: { before } })
    return { topology, killed: killed.promise }
  }

  /** Commands number `from` up to, not including, `to`. */
  async pay(from: number, to: number): Promise<void> {
    const commands = Array.from({ length: to - from }, (_, n) => {
      const i = from + n
      return { from: names[i % names.length] ?? '', to: names[(i * 3 + 1) % names.length] ?? '', amount: 1 + (i % 40) }
    })
    await this.order(...commands)
  }

  async order(...commands: { from: string; to: string; amount: number }[]): Promise<void> {
    const producer = openProducer(this.#outside)
    const topic = this.topic('commands')
    await producer.send(commands.map(({ from, ...value }) => ({ topic, key: from, value: JSON.stringify(value) })))
    await producer.close()
  }

  /** One record of any topic of the bank, unchanged. */
  async write(topic: string, [key, value]: readonly [key: string, value: string]): Promise<void> {
    const producer = openProducer(this.#outside)
    await producer.send([{ topic: this.topic(topic), key, value }])
    await producer.close()
  }

  deadLetters(count: number): Promise<ReceivedRecord[]> {
    return this.#readUntil(this.topic('dead-letters'), (records) => records.length >= count)
  }

  replies(count: number): Promise<ReceivedRecord[]> {
    return this.#readUntil(this.topic('replies'), (records) => records.length >= count)
  }

  /** One reply a command, two applications (debit and credit) of each payment that was made, and no money made or lost. */
  async expectExactlyOnce(commands: number): Promise<void> {
    const replies = await this.replies(commands)
    expect(replies).toHaveLength(commands)
    expect(new Set(replies.map(commandOf)).size).toBe(commands)
    const paid = replies.filter((reply) => reply.value?.toString() === 'paid')
    const accounts = await this.#accountsAfter(2 * paid.length)
    expect(sum([...accounts.values()].map(({ balance }) => balance))).toBe(accounts.size * opening)
    expect(sum([...accounts.values()].map(({ version }) => version))).toBe(2 * paid.length)
  }

  /** Where the partitions of a topic begin. */
  async starts(topic: string): Promise<number[]> {
    const all = Array.from({ length: partitions }, (_, partition) => ({ topic: this.topic(topic), partition }))
    return (await openAdmin(this.#outside).listOffsets(all, 'earliest')).map(({ offset }) => offset)
  }

  /** The next entry of the runtimes' log for which the test waits. */
  logged(wanted: (entry: LogEntry) => boolean): Promise<LogEntry> {
    return new Promise((resolve) => {
      const listener = (entry: LogEntry) => {
        if (!wanted(entry)) return
        this.#listeners.delete(listener)
        resolve(entry)
      }
      this.#listeners.add(listener)
    })
  }

  async close(): Promise<void> {
    await Promise.all(this.#running.map((topology) => topology.close().catch(() => undefined)))
    await Promise.all(this.#clusters.map((cluster) => cluster.close()))
  }

  #connect(): Cluster {
    const cluster = openCluster({ brokers: this.#brokers, clientId: 'streams-test' })
    this.#clusters.push(cluster)
    return cluster
  }

  #start(cluster: Cluster, options: RunSettings): RunningTopology {
    const { slot = 0, hooks = {}, numStandbyReplicas = 0 } = options
    const write = (line: string) => {
      if (process.env.STREAMS_TEST_LOG !== undefined) process.stderr.write(line)
      for (const listener of this.#listeners) listener(JSON.parse(line) as LogEntry)
    }
    const logger = pino({ level: 'debug' }, { write })
    const settings = { cluster, slot, numStandbyReplicas, logger, hooks, limits: { ...limits, ...options.limits } }
    const topology = runTopology(this.#topology, settings)
    topology.done.catch(() => undefined)
    return topology
  }

  /** Reads a topic as a read_committed consumer does until the condition holds of all its records. */
  async #readUntil(topic: string, enough: (records: ReceivedRecord[]) => boolean): Promise<ReceivedRecord[]> {
    const reader = openReader(this.#outside, { maxWaitMs: 50 })
    reader.assign(Array.from({ length: partitions }, (_, partition) => ({ topic, partition, offset: 0 })))
    const records: ReceivedRecord[] = []
    while (!enough(records)) for (const fetched of await reader.poll()) records.push(...fetched.records)
    await reader.close()
    return records
  }

  /** The last version of each account, once this many debits and credits are applied. */
  async #accountsAfter(applied: number): Promise<Map<string, Account>> {
    const accounts = new Map<string, Account>()
    await this.#readUntil(`${this.applicationId}-accounts-changelog`, (records) => {
      for (const { key, value } of records) {
        accounts.set(key?.toString() ?? '', json<Account>().decode(value ?? Buffer.alloc(0)))
      }
      return sum([...accounts.values()].map(({ version }) => version)) >= applied
    })
    return accounts
  }
}

function commandOf(reply: ReceivedRecord): string {
  return reply.headers.find(([name]) => name === 'command')?.[1]?.toString() ?? ''
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0)
}
