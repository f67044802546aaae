/**
 * The replies of the ten minutes before a gateway began. They are read in the background, so that a start is as fast after a busy
 * time as after a quiet one. Until they are read, a requested reply is searched on the log (reply-finder.ts).
 */
import { type Admin, type Cluster, type PartitionOffset, readBetween } from '@streampay/kafka'
import { pause } from '@streampay/process'
import type { FastifyBaseLogger } from 'fastify'
import type { Clock } from '../shared/clock.ts'
import { type Replies, replyWindowMs } from './replies.ts'

export type EarlierRepliesOptions = {
  readonly cluster: Cluster
  readonly admin: Admin
  readonly topic: string
  readonly replies: Pick<Replies, 'onRecord' | 'awaitEarlier' | 'haveEarlier'>
  readonly clock: Clock
  readonly logger: FastifyBaseLogger
}

const retryMs = 5_000
/** The bytes of one fetch: they are decoded at once, while requests wait. */
const fetchBytes = 128 * 1024

export function openEarlierReplies(options: EarlierRepliesOptions) {
  const { replies, clock, logger } = options
  const closing = new AbortController()
  let reading = Promise.resolve()

  async function read(ends: readonly PartitionOffset[], from: number): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        if (await readOnce(options, { ends, from, signal: closing.signal })) replies.haveEarlier()
        return
      } catch (error) {
        if (closing.signal.aborted) return
        logger.warn({ err: error }, 'the replies of the last ten minutes cannot be read yet, trying again')
        await pause(retryMs, closing.signal)
      }
    }
  }

  return {
    /** Reads the records before these offsets. */
    start: (ends: readonly PartitionOffset[]) => {
      const now = clock.now()
      replies.awaitEarlier(now)
      reading = read(ends, now - replyWindowMs)
    },
    /** Resolves when reading has ended. */
    close: async () => {
      closing.abort()
      await reading
    },
  }
}

type Wanted = { readonly ends: readonly PartitionOffset[]; readonly from: number; readonly signal: AbortSignal }

/** Whether all of them are read. */
async function readOnce({ cluster, admin, topic, replies }: EarlierRepliesOptions, { ends, from, signal }: Wanted) {
  const begins = await admin.listOffsets(
    ends.map(({ partition }) => ({ topic, partition })),
    { timestamp: from },
  )
  const ranges = begins.map(({ partition, offset }) => {
    const end = ends.find((each) => each.partition === partition)?.offset ?? 0
    return { topic, partition, start: offset === -1 ? end : offset, end }
  })
  // As in the feed of replies: a reply that cannot be read means a command with an unknown outcome.
  const reading = readBetween(cluster, ranges, { onUndecodable: 'skip', onGone: 'skip', maxBytes: fetchBytes })
  for await (const records of reading) {
    for (const record of records) replies.onRecord(record)
    if (signal.aborted) return false
  }
  return true
}
