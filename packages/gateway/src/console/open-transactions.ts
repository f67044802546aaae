/** Transactions that are open, and what they hold back: readers of what is committed get no further than the first of them. */
import type { ActiveProducer, Admin, TopicPartition, TransactionDescription } from '@streampay/kafka'
import type { Clock } from '../shared/clock.ts'
import { ifOffered, type Missing } from './if-offered.ts'
import { mostTopics } from './topics.ts'

/** A transaction that holds a partition back, as the partition knows it. */
export type Holder = {
  readonly producerId: number
  readonly producerEpoch: number
  /** The offset at which it begins there. */
  readonly offset: number
  /** Of its producer's last batch there, in milliseconds since the epoch; -1 if the log does not know. */
  readonly lastTimestamp: number
  /** Null if no transaction of this producer is known to be open. */
  readonly transactionalId: string | null
  /** Milliseconds since the epoch; null if it is not known. */
  readonly startedAt: number | null
}

export type HeldPartition = TopicPartition & {
  readonly lastStableOffset: number
  readonly highWatermark: number
  /** The one that begins first is the one that holds it; null if the log does not tell of producers. */
  readonly holders: readonly Holder[] | null
}

export type OpenTransactions = {
  /** When this was asked, by the gateway's clock. */
  readonly at: number
  readonly open: readonly TransactionDescription[]
  readonly held: readonly HeldPartition[]
  /** What this log does not tell, and why. */
  readonly missing: readonly string[]
}

const openStates = ['Ongoing', 'PrepareCommit', 'PrepareAbort', 'PrepareEpochFence']
const mostOpen = 100
const mostHeld = 200
const mostHolders = 20

/** The longest open first; of what is held back, what has most waiting first. */
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
  // One that has ended between the two questions is open no more.
  const open = (described ?? []).filter(({ state }) => openStates.includes(state))
  return open.sort((a, b) => a.startedAt - b.startedAt)
}

async function heldPartitions(admin: Admin) {
  const names = (await admin.listTopics()).sort().slice(0, mostTopics)
  const partitions = (await admin.describeTopics(names)).flatMap(({ name, partitions: all }) =>
    all.filter(({ leader }) => leader >= 0).map(({ partition }) => ({ topic: name, partition })),
  )
  const stable = await admin.listOffsets(partitions, 'latest', 'read_committed')
  // Asked for later: what was written between the two questions may look as if it was held back, and is not told of.
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
