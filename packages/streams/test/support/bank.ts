/**
 * A small bank that uses every feature: commands move money between accounts through `transfers`, which is both sink and
 * source, as in a ledger. Each account opens with 100 at its first mention. `owners` is a source and a global table.
 */
import type { ReceivedRecord } from '@streampay/kafka'
import { headerText, type ProcessorContext, type Serde, type SinkDefinition, type Topology } from '../../src/index.ts'

export type Account = { readonly balance: number; readonly version: number }
type Transfer = { readonly account: string; readonly amount: number }

export function json<T>(): Serde<T> {
  return {
    encode: (value) => Buffer.from(JSON.stringify(value)),
    decode: (bytes) => JSON.parse(bytes.toString('utf8')) as T,
  }
}

/** Text, without any encoding of its own. */
export const text: Serde<string> = { encode: (value) => Buffer.from(value), decode: (bytes) => bytes.toString('utf8') }

export const opening = 100

export const bankTopics = ['owners', 'transfers', 'commands', 'replies', 'dead-letters']

/** With a prefix, every topic's name begins with it, so that many banks can share a log. */
export function bankTopology(applicationId = 'bank', prefix = ''): Topology {
  const replies = { topic: `${prefix}replies`, value: text }
  const transfers: SinkDefinition<Transfer> = {
    topic: `${prefix}transfers`,
    value: json(),
    key: ({ account }) => account,
  }
  const reply = replyTo(replies)
  return {
    applicationId,
    sources: [
      { topic: `${prefix}owners`, priority: 0, onError: 'dead-letter', process: () => undefined },
      {
        topic: `${prefix}transfers`,
        priority: 1,
        internal: true,
        onError: 'stop',
        process: (record, context) => {
          const transfer = json<Transfer>().decode(record.value ?? Buffer.alloc(0))
          apply(context, transfer.account, transfer.amount)
          return undefined
        },
      },
      {
        topic: `${prefix}commands`,
        priority: 2,
        onError: 'dead-letter',
        process: (record, context) => {
          const from = record.key?.toString('utf8') ?? ''
          const { to, amount } = json<{ to: string; amount: number }>().decode(record.value ?? Buffer.alloc(0))
          if (headerText(record.headers, 'check') !== undefined && context.table('owners').get(to) === undefined) {
            if (context.waited === undefined) return { waitFor: 'owners', timeoutMs: 1_000 }
            reply(context, record, context.waited)
            return undefined
          }
          // The debit comes before the check on purpose: a refusal has to be undone with it.
          const balance = apply(context, from, -amount)
          context.send(transfers, { key: to, value: { account: to, amount } })
          if (balance < 0) throw new Error(`insufficient funds: ${balance + amount}`)
          reply(context, record, 'paid')
          return undefined
        },
        onDeadLetter: (record, context, error) => reply(context, record, error.message),
      },
    ],
    stores: [{ name: 'accounts', value: json<Account>(), headers: (key) => ({ owner: key }) }],
    tables: [
      {
        name: 'owners',
        topic: `${prefix}owners`,
        value: json<string>(),
        accepts: ({ key, value, headers }) => value !== 'nobody' && (headerText(headers, 'writer') ?? key) === key,
      },
    ],
    sinks: [transfers, replies],
    deadLetterTopic: `${prefix}dead-letters`,
  }
}

function apply(context: ProcessorContext, account: string, amount: number): number {
  const accounts = context.store<Account>('accounts')
  const { balance, version } = accounts.get(account) ?? { balance: opening, version: 0 }
  accounts.set(account, { balance: balance + amount, version: version + 1 })
  return balance + amount
}

function replyTo(replies: SinkDefinition<string>) {
  return (context: ProcessorContext, command: ReceivedRecord, value: string): void => {
    const key = command.key?.toString('utf8') ?? null
    const headers = { command: `${command.partition}/${command.offset}` }
    context.send(replies, { key, value, headers })
  }
}
