/**
 * The money path of the payments topology alone, small enough to be implemented a second time with another library: MoneyPath.java in
 * rivals/kafka-streams does the same, record for record.
 *
 *     commands ─────► known? ──yes──► reply, as the first time
 *                       │ no: debit of the payer ─► entries of both, balance, key, reply
 *     transactions ─► entry that is not applied? ─► credit of the payee ─► balance
 *
 * The payee's task gets the credit from the ledger. `context.taskOf` is not used, which would apply it at once if that task runs in this
 * process: Kafka Streams has no such function.
 */
import type { ReceivedRecord, TopicToCreate } from '@streampay/kafka'
import {
  internalTopics,
  type NeighbourContext,
  type ProcessorContext,
  type Serde,
  type SinkDefinition,
  type StoreDefinition,
  type Topology,
} from '@streampay/streams'

export const partitionCount = 4

/** In minor units. An account opens with it when it is first named. */
export const openingBalance = 1_000_000_000

/** As that of the payments topology: no reply waits for a credit. */
const creditsLingerMs = 20

/** Its key on the log is the payer. */
export type PayCommand = {
  /** Names the intent: a command with a known id gets the same answer, and has no effect. */
  readonly id: string
  readonly payer: string
  readonly payee: string
  readonly amount: number
}

export type PayReply = {
  readonly id: string
  readonly status: number
  /** Of the payer, after the first command with this id. */
  readonly balance: number
  readonly replayed: boolean
}

type Entry = {
  readonly transfer: string
  readonly account: string
  readonly amount: number
  /** By the task that wrote it; else by the one that reads it. */
  readonly applied: boolean
}

export type Account = { readonly account: string; readonly balance: number }

type Outcome = { readonly status: number; readonly balance: number }

export type MoneyTopics = Readonly<Record<'commands' | 'replies' | 'transactions' | 'balances', string>>

/** @param name of the application; balances are where Kafka Streams keeps them: in the changelog of the store */
export function topicsOf(name: string): MoneyTopics {
  return {
    commands: `${name}-commands`,
    replies: `${name}-replies`,
    transactions: `${name}-transactions`,
    balances: `${name}-accounts-changelog`,
  }
}

/** The topics that must exist before the topology runs, with either library. */
export function sharedTopics(name: string): TopicToCreate[] {
  const { commands, replies, transactions } = topicsOf(name)
  return [commands, replies, transactions].map((topic) => ({ name: topic, partitions: partitionCount }))
}

/** What @streampay/streams needs beside these. Kafka Streams makes its own. */
export function ownTopics(topology: Topology): TopicToCreate[] {
  return internalTopics(topology, partitionCount).map(({ name, partitions, config }) => ({
    name,
    partitions,
    configs: config,
  }))
}

const accountStore: StoreDefinition<Account> = {
  name: 'accounts',
  value: json<Account>(({ account, balance }) => isText(account) && isWhole(balance)),
}

const keyStore: StoreDefinition<Outcome> = {
  name: 'keys',
  value: json<Outcome>(({ status, balance }) => isWhole(status) && isWhole(balance)),
}

const commandSerde = json<PayCommand>(
  ({ id, payer, payee, amount }) => isText(id) && isText(payer) && isText(payee) && isWhole(amount) && amount > 0,
)

const entrySerde = json<Entry>(
  ({ transfer, account, amount, applied }) =>
    isText(transfer) && isText(account) && isWhole(amount) && typeof applied === 'boolean',
)

const replySerde = json<PayReply>(
  ({ id, status, balance, replayed }) =>
    isText(id) && isWhole(status) && isWhole(balance) && typeof replayed === 'boolean',
)

export function moneyPath(name: string): Topology {
  const topics = topicsOf(name)
  const ledger: SinkDefinition<Entry> = {
    topic: topics.transactions,
    value: entrySerde,
    key: ({ account }) => account,
  }
  const replies: SinkDefinition<PayReply> = { topic: topics.replies, value: replySerde, key: ({ id }) => id }
  const sinks = { ledger, replies }
  return {
    applicationId: name,
    sources: [
      { topic: topics.transactions, priority: 0, lingerMs: creditsLingerMs, onError: 'stop', process: credit },
      {
        topic: topics.commands,
        priority: 1,
        onError: 'stop',
        process: (record, context) => decide(record, context, sinks),
      },
    ],
    stores: [accountStore, keyStore],
    tables: [],
    sinks: [ledger, replies],
  }
}

type Sinks = { readonly ledger: SinkDefinition<Entry>; readonly replies: SinkDefinition<PayReply> }

function decide(record: ReceivedRecord, context: ProcessorContext, { ledger, replies }: Sinks): undefined {
  const { id, payer, payee, amount } = decoded(commandSerde, record)
  const answer = (outcome: Outcome, replayed: boolean) =>
    context.send(replies, { key: id, value: { id, ...outcome, replayed } })
  const keys = context.store<Outcome>(keyStore.name)
  const earlier = keys.get(id)
  if (earlier !== undefined) answer(earlier, true)
  else if (payer === payee || balanceOf(context, payer) < amount)
    answer({ status: 422, balance: balanceOf(context, payer) }, false)
  else {
    const debit = { transfer: id, account: payer, amount: -amount, applied: true }
    const balance = apply(context, debit)
    context.send(ledger, { key: payer, value: debit })
    context.send(ledger, { key: payee, value: { transfer: id, account: payee, amount, applied: false } })
    const outcome = { status: 200, balance }
    keys.set(id, outcome)
    answer(outcome, false)
  }
  return undefined
}

function credit(record: ReceivedRecord, context: ProcessorContext): undefined {
  const entry = decoded(entrySerde, record)
  if (!entry.applied) apply(context, entry)
  return undefined
}

function apply(context: NeighbourContext, { account, amount }: Entry): number {
  const balance = balanceOf(context, account) + amount
  context.store<Account>(accountStore.name).set(account, { account, balance })
  return balance
}

function balanceOf(context: NeighbourContext, account: string): number {
  return context.store<Account>(accountStore.name).get(account)?.balance ?? openingBalance
}

function decoded<T>(serde: Serde<T>, { value }: ReceivedRecord): T {
  if (value === null) throw new Error('there are no tombstones here')
  return serde.decode(value)
}

/** The members of a value, none of which is known yet. */
type Members<T> = { readonly [name in keyof T]?: unknown }

/** Checked on the way in and on the way out, as that of the payments topology is. */
function json<T extends object>(accepts: (value: Members<T>) => boolean): Serde<T> {
  const checked = (value: unknown): value is T => typeof value === 'object' && value !== null && accepts(value)
  return {
    encode(value) {
      if (!checked(value)) throw new Error('the value to be written is not what its readers accept')
      return Buffer.from(JSON.stringify(value))
    },
    decode(bytes) {
      const value: unknown = JSON.parse(bytes.toString('utf8'))
      if (!checked(value)) throw new Error(`${bytes.toString('utf8', 0, 100)} is not what is read here`)
      return value
    },
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value)
}
