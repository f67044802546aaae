/**
 * The payments topology: one task for each partition of accounts.
 *
 *     users ─────────────► account opens ──────────────────────────► transactions, balances, balance-histories
 *     transactions ──────► credits that other tasks wrote ─────────► balances, balance-histories
 *     requests-repartition ► requests arrive, cancels are decided ─► payment-requests, replies
 *     commands ──────────► decided, debited at once ───────────────► transactions, balances, …, replies, requests-repartition
 *
 * The order is that of the drawing: of what a task has, money that has arrived is counted before money is spent.
 */
import { applicationIds, entry, topicNames } from '@streampay/domain'
import type { ReceivedRecord } from '@streampay/kafka'
import type { ProcessorContext, Topology } from '@streampay/streams'
import { userTable } from './directory.ts'
import { idempotencyPurge, idempotencyStore } from './idempotency.ts'
import { accountStore, apply, openAccount } from './ledger.ts'
import { type CommandLimits, processCommand } from './process-command.ts'
import { processForwarded } from './process-forwarded.ts'
import { requestPurge, requestStore, requestTable, sentRequestStore } from './request-book.ts'
import { jsonSerde } from './serdes.ts'
import { answerUntrusted, trustedUser } from './trusted-records.ts'

/** About 300 bytes of memory each: 300 MB for each partition at the bound. */
export const defaultLimits: CommandLimits = { maxIdempotencyKeys: 1_000_000 }

export function paymentsTopology(limits: CommandLimits = defaultLimits): Topology {
  return {
    applicationId: applicationIds.payments,
    sources: [
      { topic: topicNames.users, priority: 0, onError: 'dead-letter', process: processUser },
      { topic: topicNames.transactions, priority: 1, onError: 'stop', process: processEntry },
      {
        topic: topicNames.requestsRepartition,
        priority: 2,
        internal: true,
        onError: 'stop',
        process: processForwarded,
      },
      {
        topic: topicNames.commands,
        priority: 3,
        onError: 'dead-letter',
        process: (record, context) => processCommand(record, context, limits),
        onDeadLetter: answerUntrusted,
      },
    ],
    stores: [accountStore, idempotencyStore, requestStore, sentRequestStore],
    tables: [userTable, requestTable],
    sinks: [
      topicNames.transactions,
      topicNames.balanceHistories,
      topicNames.paymentRequests,
      topicNames.replies,
      topicNames.requestsRepartition,
    ],
    deadLetterTopic: topicNames.deadLetters,
    punctuators: [idempotencyPurge, requestPurge],
  }
}

function processUser(record: ReceivedRecord, context: ProcessorContext): undefined {
  const { partition, offset, timestamp } = record
  const user = trustedUser(record, context)
  if (user !== undefined) openAccount(context, user.id, { partition, offset, at: timestamp })
  return undefined
}

const entrySerde = jsonSerde(entry)

/** Entries of `writer` were applied when they were written; those of `reader` are applied here, once each. */
function processEntry(record: ReceivedRecord, context: ProcessorContext): undefined {
  if (record.value === null) throw new Error('the ledger holds no tombstones')
  const read = entrySerde.decode(record.value)
  if (record.key?.toString('utf8') !== read.account) throw new Error(`the key is not the account ${read.account}`)
  if (read.applied === 'reader') apply(context, read)
  return undefined
}
