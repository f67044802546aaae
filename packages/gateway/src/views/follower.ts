/** The interface between a feed and the store and streams that follow it, and the records that are left out. */
import type { FetchedRecords, ReceivedRecord, UndecodableBatch } from '@streampay/kafka'

/**
 * Gets every record that a feed reads, in the order of each partition. An error in one of these functions is a bug: it is logged with
 * its record and counted, and all other work continues.
 */
export type Follower = {
  /** Handles one record; `positions` already counts it. */
  readonly onRecord: (record: FetchedRecords['records'][number]) => void
  /**
   * Stores the effects of the records so far: at once, so that they can be read; or together with those of other feeds
   * in this turn of the event loop, and then the result resolves afterwards; or at any time. An error here is no bug, but a store that
   * accepts no data: the feed reads no further, is not caught up, and tries again.
   */
  readonly keep?: (when: 'at-once' | 'together' | 'some-time') => Promise<void> | undefined
  /** Called after a slice of a poll's records, when their effects are stored: streams can be notified now. */
  readonly onBatchEnd: () => void
  /** The topic begins anew: stored data is void. An error here has the same meaning as in `keep`. */
  readonly forget?: () => void
  /** The topic has begun anew; `positions` are those of its start. */
  readonly onRestart: () => void
  /** Counts an item of the topic that is not shown: a record on which the follower failed, or a batch that can't be decoded. */
  readonly onPassedOver: () => void
}

/** Records and batches that count as not being on the log. */
export type LeftOut = {
  readonly has: (record: ReceivedRecord) => boolean
  readonly hasBatch: (batch: UndecodableBatch) => boolean
  /** Changes when other records of this topic are left out. */
  readonly fingerprint: (topic: string) => string
}
