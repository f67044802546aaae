/**
 * The payments topology: one task for each partition of accounts.
 *
 *     users ─────────────► account opens ──────────────────────────► transactions, balances, balance-histories
 *     transactions ──────► credits that other tasks wrote ─────────► balances, balance-histories
 *     requests-repartition ► requests, reminders, cancels decided ─► payment-requests, requests-repartition
 *                          ► their outcomes are told ──────────────► replies
 *     commands ──────────► decided, debited at once ───────────────► transactions, balances, …, replies, requests-repartition
 *
 * The drawing has the order of processing: a task counts money that has arrived before it spends money.
 */
import { applicationIds, entry, topicNames } from '@streampay/domain'
import type { ReceivedRecord } from '@streampay/kafka'
import type { ProcessorContext, Topology } from '@streampay/streams'
import { adoption } from './adopt.ts'
import { countStore } from './counts.ts'
import { userTable } from './directory.ts'
import { idempotencyStore } from './idempotency.ts'
import { keyUsageStore } from './key-usage.ts'
import { accountStore, apply, openAccount } from './ledger.ts'
import { checkLimits, defaultLimits, type PaymentsLimits } from './limits.ts'
import { pendingStore } from './pending.ts'
import { blockedPeople, favouritePeople } from './people-lists.ts'
import { processCommand } from './process-command.ts'
import { processForwarded } from './process-forwarded.ts'
import { requestPunctuator, requestStore, sentRequestStore } from './request-book.ts'
import { requestTimeStore } from './request-times.ts'
import { jsonSerde } from './serdes.ts'
import { blockSink, favouriteSink, forwardSink, historySink, ledgerSink, replySinks, requestSink } from './sinks.ts'
import { answerUntrusted, trustedUser } from './trusted-records.ts'

/** Most entries are a process' own and already applied: reading each of them at once would cost one more fetch per payment. */
const entriesLingerMs = 20

/** @throws RangeError if the limits contradict each other. */
export function paymentsTopology(limits: PaymentsLimits = defaultLimits): Topology {
  checkLimits(limits)
  return {
    applicationId: applicationIds.payments,
    sources: [
      {
        topic: topicNames.users,
        priority: 0,
        onError: 'dead-letter',
        process: (record, context) => processUser(record, context, limits),
      },
      {
        topic: topicNames.transactions,
        priority: 1,
        lingerMs: entriesLingerMs,
        onError: 'stop',
        process: processEntry,
      },
      {
        topic: topicNames.requestsRepartition,
        priority: 2,
        internal: true,
        onError: 'stop',
        process: (record, context) => processForwarded(record, context, limits.requests),
      },
      {
        topic: topicNames.commands,
        priority: 3,
        onError: 'dead-letter',
        process: (record, context) => processCommand(record, context, limits),
        onDeadLetter: answerUntrusted,
      },
    ],
    stores: [
      accountStore,
      idempotencyStore,
      keyUsageStore,
      pendingStore,
      requestStore,
      requestTimeStore,
      sentRequestStore,
      blockedPeople.store,
      favouritePeople.store,
      countStore,
    ],
    tables: [userTable],
    sinks: [ledgerSink, historySink, requestSink, blockSink, favouriteSink, forwardSink, ...replySinks.values()],
    deadLetterTopic: topicNames.deadLetters,
    setAsideTopic: topicNames.setAside,
    punctuators: [adoption(limits.requests), requestPunctuator(limits.requests)],
  }
}

function processUser(
  record: ReceivedRecord,
  context: ProcessorContext,
  { openingGrantCents }: PaymentsLimits,
): undefined {
  const { partition, offset, timestamp } = record
  const user = trustedUser(record, context)
  if (user !== undefined)
    openAccount(context, user.id, { partition, offset, at: timestamp, grantCents: openingGrantCents })
  return undefined
}

const entrySerde = jsonSerde(entry)

/** Entries of `writer` were applied when they were written; those of `reader` are applied here, once each. */
function processEntry(record: ReceivedRecord, context: ProcessorContext): undefined {
  if (record.value === null) throw new Error('the ledger has no tombstones')
  const read = entrySerde.decode(record.value)
  if (record.key?.toString('utf8') !== read.account) throw new Error(`the key is not the account ${read.account}`)
  if (read.applied === 'reader') apply(context, read)
  return undefined
}
