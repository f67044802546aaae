/** Who is told of what a feed reads, and what is left out of it. */
import type { FetchedRecords, ReceivedRecord, UndecodableBatch } from '@streampay/kafka'

/**
 * Told of everything that a feed reads, in the order of each partition. What one of these throws is a bug: it is logged with
 * the record that it is of and counted, and everything else goes on.
 */
export type Follower = {
  /** One record's worth; `positions` already counts it. */
  readonly onRecord: (record: FetchedRecords['records'][number]) => void
  /**
   * Keeps what the records told so far have caused: at once, so that it can be read; together with what other feeds were told
   * in this turn of the event loop, then the result says when; or when it likes. What this throws is no bug, but a store that
   * takes nothing: the feed reads no further, is not caught up, and asks again.
   */
  readonly keep?: (when: 'at-once' | 'together' | 'some-time') => Promise<void> | undefined
  /** After a slice of the records of a poll, what they caused being kept: the moment to tell others. */
  readonly onBatchEnd: () => void
  /** The topic begins anew: what is kept is void. What this throws is as of `keep`. */
  readonly forget?: () => void
  /** The topic has begun anew; `positions` are those of its start. */
  readonly onRestart: () => void
  /** Something on the topic is not shown: a record that the follower failed on, or a batch that can't be decoded. */
  readonly onPassedOver: () => void
}

/** Records and batches that count as not being on the log. */
export type LeftOut = {
  readonly has: (record: ReceivedRecord) => boolean
  readonly hasBatch: (batch: UndecodableBatch) => boolean
  /** Changes with what of this topic is left out. */
  readonly fingerprint: (topic: string) => string
}
