/**
 * The one list of topics: created from it on any log, compared with the log at start, and the source of documentation and AsyncAPI.
 * Changelogs of state stores are here too, by the names that packages/streams gives them; a test in apps/payments compares the list with
 * what the topologies need.
 */
import { Integer, Object as Struct, String as Text, type TSchema, Union } from 'typebox'
import { applicationIds } from './identities.ts'
import {
  bytes,
  forwardedCommand,
  keyUsage,
  payOrRequestValue,
  pendingCommand,
  sentRequest,
  totalsPart,
} from './internal-records.ts'
import { maxMessageBytes } from './limits.ts'
import {
  activity,
  averageTransactions,
  balance,
  balanceHistory,
  blockedPerson,
  entry,
  favouritePerson,
  paymentRequest,
  preferences,
  replyValue,
  setAsideNote,
  span,
  statement,
  statementPerson,
  totalTransactions,
  user,
} from './schemas.ts'

export const topicNames = {
  commands: 'commands',
  replies: 'replies',
  users: 'users',
  preferences: 'preferences',
  transactions: 'transactions',
  balances: 'balances',
  balanceHistories: 'balance-histories',
  paymentRequests: 'payment-requests',
  blockedPeople: 'blocked-people',
  favouritePeople: 'favourite-people',
  activities: 'activities',
  statements: 'statements',
  statementPeople: 'statement-people',
  totalTransactions: 'total-transactions',
  averageTransactions: 'average-transactions',
  spans: 'spans',
  deadLetters: 'dead-letters',
  setAside: 'set-aside',
  requestsRepartition: `${applicationIds.payments}-requests-repartition`,
  totalsRepartition: `${applicationIds.statistics}-totals-repartition`,
} as const

/** The key of the only record of `total-transactions` and of `average-transactions`. */
export const totalsKey = 'all'

export type WriterName = 'gateway' | 'simulation' | 'payments' | 'statistics' | 'operator'
export type TopologyName = keyof typeof applicationIds

export type TopicDefinition = {
  readonly name: string
  readonly description: string
  /** What the record key is. */
  readonly key: string
  readonly partitions: number
  /** Topic configuration as Kafka names it. */
  readonly config: Readonly<Record<string, string>>
  readonly valueSchema: TSchema
  readonly writtenBy: readonly WriterName[]
  /**
   * The topologies that make one task of partition p of this topic and of all others with their name. The number of partitions of such a
   * topic must be that of the list: a larger one would move accounts to tasks that do not have their state.
   */
  readonly coPartitionedIn: readonly TopologyName[]
  /** Only one application writes and reads it; it is no part of the public contract. */
  readonly internal: boolean
}

const partitions = 4
const hours = 60 * 60 * 1000
const days = 24 * hours

/** Every topic accepts the largest record that is written, with any default of the log. */
const largest = { 'max.message.bytes': String(maxMessageBytes) }

const logAppendTime = { 'message.timestamp.type': 'LogAppendTime' }
const compacted = { 'cleanup.policy': 'compact' }
/** For stores whose entries expire: those of a day, read from commands that may have waited for seven. */
const expiring = {
  'cleanup.policy': 'compact,delete',
  'retention.ms': String(9 * days),
  'message.timestamp.type': 'CreateTime',
}
const keptForEver = { 'cleanup.policy': 'delete', 'retention.ms': '-1', 'retention.bytes': '-1' }

function keptFor(ms: number): Record<string, string> {
  return { 'cleanup.policy': 'delete', 'retention.ms': String(ms), 'retention.bytes': '-1' }
}

const publicTopics: readonly TopicDefinition[] = [
  {
    name: topicNames.commands,
    description: 'The commands of users. Any client can write it, so no record is trusted.',
    key: 'identity',
    partitions,
    config: { ...keptFor(7 * days), ...logAppendTime },
    valueSchema: payOrRequestValue,
    writtenBy: ['gateway', 'simulation'],
    coPartitionedIn: ['payments'],
    internal: false,
  },
  {
    name: topicNames.replies,
    description: 'The answer to each command.',
    key: 'correlation id',
    partitions,
    // By the log's time, so that the reply to a command that waited long is not old when it comes.
    config: { ...keptFor(hours), ...logAppendTime },
    valueSchema: replyValue,
    writtenBy: ['payments'],
    coPartitionedIn: [],
    internal: false,
  },
  {
    name: topicNames.users,
    description: 'The directory of people. Any client can write it, so no record is trusted.',
    key: 'user id',
    partitions,
    config: { ...compacted, ...logAppendTime },
    valueSchema: user,
    writtenBy: ['gateway', 'simulation'],
    coPartitionedIn: ['payments'],
    internal: false,
  },
  {
    name: topicNames.preferences,
    description: 'The default visibility of new payments and requests of a person. Only that person reads it.',
    key: 'user id',
    partitions,
    config: { ...compacted, ...logAppendTime },
    valueSchema: preferences,
    writtenBy: ['gateway'],
    coPartitionedIn: [],
    internal: false,
  },
  {
    name: topicNames.transactions,
    description: 'The ledger: two entries for each transfer.',
    key: 'account id',
    partitions,
    config: keptForEver,
    valueSchema: entry,
    writtenBy: ['payments'],
    coPartitionedIn: ['payments', 'statistics'],
    internal: false,
  },
  {
    name: topicNames.balances,
    description: 'The newest balance of each account: the changelog of the account store.',
    key: 'account id',
    partitions,
    config: compacted,
    valueSchema: balance,
    writtenBy: ['payments'],
    coPartitionedIn: ['payments'],
    internal: false,
  },
  {
    name: topicNames.balanceHistories,
    description: 'One row for each entry applied to an account, in gapless sequence.',
    key: 'account id',
    partitions,
    config: keptForEver,
    valueSchema: balanceHistory,
    writtenBy: ['payments'],
    coPartitionedIn: ['statistics'],
    internal: false,
  },
  {
    name: topicNames.paymentRequests,
    description: 'Every version of each payment request; a tombstone 91 days after it was closed.',
    key: 'request id',
    partitions,
    config: compacted,
    valueSchema: paymentRequest,
    writtenBy: ['payments'],
    coPartitionedIn: ['statistics'],
    internal: false,
  },
  {
    name: topicNames.blockedPeople,
    description: 'The people from whom a person accepts no payment requests; a tombstone when one is unblocked.',
    key: 'both account ids, after the length of the first',
    partitions,
    config: compacted,
    valueSchema: blockedPerson,
    writtenBy: ['payments'],
    coPartitionedIn: [],
    internal: false,
  },
  {
    name: topicNames.favouritePeople,
    description: 'The favourites of a person; a tombstone when one is removed.',
    key: 'both account ids, after the length of the first',
    partitions,
    config: compacted,
    valueSchema: favouritePerson,
    writtenBy: ['payments'],
    coPartitionedIn: [],
    internal: false,
  },
  {
    name: topicNames.activities,
    description:
      'One event for each public payment, and for each asking, declining and cancelling of a public request.',
    key: 'account id of who acted',
    partitions,
    config: keptFor(30 * days),
    valueSchema: activity,
    writtenBy: ['statistics'],
    coPartitionedIn: [],
    internal: false,
  },
  {
    name: topicNames.statements,
    description: 'The sums of the movements of each account, by month: the changelog of the statements store.',
    key: 'account id and month, after the length of the first',
    partitions,
    config: compacted,
    valueSchema: statement,
    writtenBy: ['statistics'],
    coPartitionedIn: ['statistics'],
    internal: false,
  },
  {
    name: topicNames.statementPeople,
    description: 'The same by counterparty: the changelog of the store of these parts.',
    key: 'account id, month and counterparty, after the length of the first',
    partitions,
    config: compacted,
    valueSchema: statementPerson,
    writtenBy: ['statistics'],
    coPartitionedIn: ['statistics'],
    internal: false,
  },
  {
    name: topicNames.totalTransactions,
    description: 'Number and volume of all public payments: the changelog of the totals store.',
    key: totalsKey,
    partitions,
    config: compacted,
    valueSchema: totalTransactions,
    writtenBy: ['statistics'],
    coPartitionedIn: ['statistics'],
    internal: false,
  },
  {
    name: topicNames.averageTransactions,
    description: 'The mean of all public payments, written together with the totals.',
    key: totalsKey,
    partitions,
    config: compacted,
    valueSchema: averageTransactions,
    writtenBy: ['statistics'],
    coPartitionedIn: ['statistics'],
    internal: false,
  },
  {
    name: topicNames.spans,
    description:
      'What services did for a command whose trace is sampled, and when: one record for each service and person. Any client can write it, so no record is trusted.',
    key: 'account id of a person who may see it',
    partitions,
    config: keptFor(hours),
    valueSchema: span,
    writtenBy: ['gateway', 'payments', 'statistics'],
    coPartitionedIn: [],
    internal: false,
  },
  {
    name: topicNames.deadLetters,
    description:
      'Records from outside that could not be processed, unchanged, with origin, reason and stack in the headers.',
    key: "the record's own",
    partitions,
    config: keptFor(30 * days),
    valueSchema: Struct({}, { description: 'The bytes that were written.' }),
    writtenBy: ['payments'],
    coPartitionedIn: [],
    internal: false,
  },
  {
    name: topicNames.setAside,
    description:
      'Records of trusted topics that an operator has excluded from processing, each with the reason: `npm run repair`.',
    key: 'topic/partition/offset',
    partitions: 1,
    config: compacted,
    valueSchema: setAsideNote,
    writtenBy: ['operator'],
    coPartitionedIn: [],
    internal: false,
  },
]

const internalTopics: readonly TopicDefinition[] = [
  {
    name: topicNames.requestsRepartition,
    description:
      "Requests, reminders and cancels on their way from the requester's task to the debtor's, and their outcomes.",
    key: 'debtor id (of a `decided`, `closed` or `forget`: requester id)',
    partitions,
    config: keptForEver,
    valueSchema: forwardedCommand,
    writtenBy: ['payments'],
    coPartitionedIn: ['payments'],
    internal: true,
  },
  {
    name: topicNames.totalsRepartition,
    description: 'Public payments counted by each task, on their way to the task that adds them up.',
    key: totalsKey,
    partitions,
    config: keptForEver,
    valueSchema: totalsPart,
    writtenBy: ['statistics'],
    coPartitionedIn: ['statistics'],
    internal: true,
  },
  changelog('payments', 'positions', 'The input offsets of each task.', Struct({ offset: Integer() })),
  {
    ...changelog(
      'payments',
      'idempotency-keys',
      'Idempotency keys of the last day: digest, fingerprint, outcome.',
      bytes,
    ),
    config: expiring,
  },
  { ...changelog('payments', 'key-usage', 'How many idempotency keys an identity has.', keyUsage), config: expiring },
  changelog('payments', 'requests', "Payment requests, at the debtor's task.", paymentRequest),
  changelog('payments', 'sent-requests', "The debtor of each request, at the requester's task.", sentRequest),
  changelog('payments', 'pending', 'Commands that another task decides, at the task of who sent them.', pendingCommand),
  changelog('payments', 'request-times', 'When requests are to expire or to be removed.', Union([Text(), Integer()])),
  changelog('payments', 'blocks', "The people that a person has blocked, at that person's task.", blockedPerson),
  changelog('payments', 'favourites', "A person's favourites, at that person's task.", favouritePerson),
  changelog('payments', 'counts', 'How much of each bound an identity has used.', Integer()),
  changelog('statistics', 'positions', 'The input offsets of each task.', Struct({ offset: Integer() })),
  changelog('statistics', 'announced', 'Open public requests whose activity was already written.', Text()),
]

function changelog(topology: TopologyName, store: string, description: string, valueSchema: TSchema): TopicDefinition {
  return {
    name: `${applicationIds[topology]}-${store}-changelog`,
    description,
    key: 'store key',
    partitions,
    config: compacted,
    valueSchema,
    writtenBy: [topology],
    coPartitionedIn: [topology],
    internal: true,
  }
}

/** All topics, public first. */
export const topics: readonly TopicDefinition[] = [...publicTopics, ...internalTopics].map((topic) => ({
  ...topic,
  config: { ...topic.config, ...largest },
}))

/**
 * Topics that any client can write and that a topology reads. Their records are not trusted: a record that cannot be processed goes to
 * `dead-letters`, and processing continues. A topology never skips a record of any other topic.
 */
export const topicsFromOutside: readonly string[] = publicTopics
  .filter(({ coPartitionedIn }) => coPartitionedIn.length > 0)
  .filter(({ writtenBy }) => writtenBy.some((writer) => writer === 'gateway' || writer === 'simulation'))
  .map(({ name }) => name)

/** @throws RangeError for a name that is not in the list: a typo. */
export function topicNamed(name: string): TopicDefinition {
  const found = topics.find((topic) => topic.name === name)
  if (found === undefined) throw new RangeError(`There is no topic "${name}" in the list`)
  return found
}

/** Where a command may ask its reply to be sent. */
export const replyTopics: readonly string[] = [topicNames.replies]
