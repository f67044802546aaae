/** Open transactions, and the partitions that they hold back: a read_committed reader stops at the first open transaction. */
import type { ActiveProducer, Admin, TopicPartition, TransactionDescription } from '@streampay/kafka'
import type { Clock } from '../shared/clock.ts'
import { ifOffered, type Missing } from './if-offered.ts'
import { mostTopics } from './topics.ts'

/** A transaction that holds a partition back, according to the partition. */
export type Holder = {
  readonly producerId: number
  readonly producerEpoch: number
  /** The offset at which it begins there. */
  readonly offset: number
  /** The time of its producer's last batch there, in milliseconds since the epoch; -1 if the log does not know. */
  readonly lastTimestamp: number
  /** Null if no transaction of this producer is known to be open. */
  readonly transactionalId: string | null
  /** Milliseconds since the epoch; null if it is not known. */
  readonly startedAt: number | null
}

export type HeldPartition = TopicPartition & {
  readonly lastStableOffset: number
  readonly highWatermark: number
  /** The earliest open transaction, which holds the partition; null if the log does not report producers. */
  readonly holders: readonly Holder[] | null
}

export type OpenTransactions = {
  /** The time of this answer, by the gateway's clock. */
  readonly at: number
  readonly open: readonly TransactionDescription[]
  readonly held: readonly HeldPartition[]
  /** The answers that this log does not give, with the reasons. */
  readonly missing: readonly string[]
}

const openStates = ['Ongoing', 'PrepareCommit', 'PrepareAbort', 'PrepareEpochFence']
const mostOpen = 100
const mostHeld = 200
const mostHolders = 20

/** Transactions with the longest open first; partitions with the most waiting records first. */
export async function openTransactions(admin: Admin, clock: Clock): Promise<OpenTransactions> {
  const at = clock.now()
  const missing: Missing = []
  const [open, held] = await Promise.all([openOf(admin, missing), heldPartitions(admin)])
  const producers = await ifOffered('DescribeProducers', missing, () => admin.describeProducers(held))
  const byProducer = new Map(open.map((transaction) => [transaction.producerId, transaction]))
  return {
    at,
    open,
    held: held.map((partition) => ({ ...partition, holders: holdersOf(partition, producers, byProducer) })),
    missing,
  }
}

async function openOf(admin: Admin, missing: Missing): Promise<TransactionDescription[]> {
  const listed = await ifOffered('ListTransactions', missing, () => admin.listTransactions(openStates))
  const ids = (listed ?? []).map(({ transactionalId }) => transactionalId).slice(0, mostOpen)
  const described = await ifOffered('DescribeTransactions', missing, () => admin.describeTransactions(ids))
  // A transaction that has ended between the two requests is no longer open.
  const open = (described ?? []).filter(({ state }) => openStates.includes(state))
  return open.sort((a, b) => a.startedAt - b.startedAt)
}

async function heldPartitions(admin: Admin) {
  const names = (await admin.listTopics()).sort().slice(0, mostTopics)
  const partitions = (await admin.describeTopics(names)).flatMap(({ name, partitions: all }) =>
    all.filter(({ leader }) => leader >= 0).map(({ partition }) => ({ topic: name, partition })),
  )
  const stable = await admin.listOffsets(partitions, 'latest', 'read_committed')
  // Requested later: records written between the two requests may look as if they were held back, and are left out.
  const ends = await admin.listOffsets(partitions, 'latest')
  const again = await admin.listOffsets(partitions, 'latest', 'read_committed')
  return stable
    .map(({ topic, partition, offset }, index) => ({
      topic,
      partition,
      lastStableOffset: offset,
      highWatermark: ends[index]?.offset ?? offset,
      isSame: again[index]?.offset === offset,
    }))
    .filter(({ lastStableOffset, highWatermark, isSame }) => isSame && lastStableOffset < highWatermark)
    .map(({ isSame: _, ...held }) => held)
    .sort((a, b) => b.highWatermark - b.lastStableOffset - (a.highWatermark - a.lastStableOffset))
    .slice(0, mostHeld)
}

function holdersOf(
  held: TopicPartition,
  producers: readonly ActiveProducer[] | undefined,
  open: ReadonlyMap<number, TransactionDescription>,
): Holder[] | null {
  if (producers === undefined) return null
  return producers
    .filter(({ topic, partition }) => topic === held.topic && partition === held.partition)
    .filter(({ transactionStart }) => transactionStart >= 0)
    .sort((a, b) => a.transactionStart - b.transactionStart)
    .slice(0, mostHolders)
    .map(({ producerId, producerEpoch, transactionStart, lastTimestamp }) => {
      const transaction = open.get(producerId)
      return {
        producerId,
        producerEpoch,
        offset: transactionStart,
        lastTimestamp,
        transactionalId: transaction?.transactionalId ?? null,
        startedAt: transaction === undefined || transaction.startedAt < 0 ? null : transaction.startedAt,
      }
    })
}
