/**
 * The records that wait to be written to one partition. At most one batch of a partition is in flight, so that retries keep
 * the order, and a refused batch has used no sequence number.
 *
 *     waiting records ──take──► batch ──► in flight ──► delivered: the sequence moves on
 *                                 ▲           │
 *                                 └── retry ◄─┘  (same bytes, same sequence)
 */
import type { KafkaError } from '../errors.ts'
import { encodeBatch, type RecordToEncode } from '../wire/index.ts'
import type { PendingSend } from './pending-send.ts'

export type Identity = { readonly producerId: number; readonly producerEpoch: number }

export type PendingRecord = {
  readonly record: RecordToEncode
  readonly bytes: number
  readonly send: PendingSend
  /** The record's position in its call. */
  readonly index: number
  readonly deadline: number
}

export type Batch = {
  readonly records: readonly PendingRecord[]
  readonly size: number
  readonly deadline: number
  /** Encoded when the batch is first sent; every attempt sends the same bytes. */
  encoded: Buffer | null
  attempt: number
  /** An attempt may have reached the log although no success was answered. */
  mayBeWritten: boolean
}

export type Delivery = { readonly baseOffset: number; readonly logAppendTime: number }

const SEQUENCES = 0x8000_0000

export class PartitionQueue {
  readonly topic: string
  readonly partition: number
  /** Null until the producer has an id for this partition, and again when the old id can't be used any more. */
  identity: Identity | null = null
  inFlight = false
  /** Compared with `Clock.elapsed`. */
  retryAt = 0
  #batch: Batch | null = null
  #waiting: PendingRecord[] = []
  #sequence = 0
  #maxBatchBytes: number

  constructor(topic: string, partition: number, maxBatchBytes: number) {
    this.topic = topic
    this.partition = partition
    this.#maxBatchBytes = maxBatchBytes
  }

  get isEmpty(): boolean {
    return this.#batch === null && this.#waiting.length === 0
  }

  /** The batch in flight, if there is one. */
  get batch(): Batch | null {
    return this.#batch
  }

  /** The deadline of the oldest record without a batch; infinite if there is none. */
  get nextDeadline(): number {
    return this.#waiting[0]?.deadline ?? Number.POSITIVE_INFINITY
  }

  push(waiting: PendingRecord): void {
    this.#waiting.push(waiting)
  }

  /** A new id begins at sequence 0. Not to be called while a batch is encoded with the old one. */
  identify(identity: Identity | null): void {
    this.identity = identity
    this.#sequence = 0
  }

  /** The batch to send now: the one that is being retried, or the waiting records up to the size limit. */
  take(): Batch {
    this.#batch ??= this.#nextBatch()
    return this.#batch
  }

  encode(batch: Batch, isTransactional: boolean): Buffer {
    batch.encoded ??= encodeBatch({
      records: batch.records.map(({ record }) => record),
      isTransactional,
      producerId: this.identity?.producerId ?? -1,
      producerEpoch: this.identity?.producerEpoch ?? -1,
      baseSequence: this.#sequence,
    })
    return batch.encoded
  }

  delivered(batch: Batch, { baseOffset, logAppendTime }: Delivery): void {
    this.#sequence = (this.#sequence + batch.records.length) % SEQUENCES
    this.#batch = null
    const { topic, partition } = this
    for (const [delta, { send, index, record }] of batch.records.entries()) {
      const timestamp = logAppendTime >= 0 ? logAppendTime : record.timestamp
      send.delivered(index, { topic, partition, offset: baseOffset < 0 ? -1 : baseOffset + delta, timestamp })
    }
  }

  /** Fails the batch. The next batch may use its sequence number, unless the log may have it. */
  refused(batch: Batch, error: KafkaError): void {
    this.#batch = null
    for (const { send } of batch.records) send.failed(error)
  }

  /** Encodes the batch anew before the next attempt: for a batch that surely isn't on the log, under a new identity. */
  encodeAgain(batch: Batch): void {
    batch.encoded = null
  }

  /** Tries the records in smaller batches from now on. False if it is a single record, which can't be split. */
  split(batch: Batch): boolean {
    if (batch.records.length < 2) return false
    this.#maxBatchBytes = Math.max(1, Math.floor(batch.size / 2))
    this.#waiting = [...batch.records, ...this.#waiting]
    this.#batch = null
    return true
  }

  /** Fails records whose deadline has passed, or, without a time, all of them. The batch in flight is not affected. */
  expire(error: () => KafkaError, now = Number.POSITIVE_INFINITY): number {
    const expired = this.#waiting.filter(({ deadline }) => deadline <= now)
    if (expired.length === 0) return 0
    this.#waiting = this.#waiting.filter(({ deadline }) => deadline > now)
    const failure = error()
    for (const { send } of expired) send.failed(failure)
    return expired.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  #nextBatch(): Batch {
    let count = 0
    let size = 0
    let deadline = Number.POSITIVE_INFINITY
    for (const waiting of this.#waiting) {
      if (count > 0 && size + waiting.bytes > this.#maxBatchBytes) break
      count++
      size += waiting.bytes
      deadline = Math.min(deadline, waiting.deadline)
    }
    const records = this.#waiting.splice(0, count)
    return { records, size, deadline, encoded: null, attempt: 0, mayBeWritten: false }
  }
}
