/**
 * From the batches of one fetch to the records that the caller may see: control batches and, for read_committed, the
 * records of aborted transactions are left out, and offsets before the one asked for are skipped.
 *
 * A fetch response lists the aborted transactions that touch its range, each with its producer id and first offset,
 * also when they began in an earlier fetch. From a transaction's first offset on, that producer's transactional batches
 * are dropped, until its abort marker ends it: after it the same producer's next transaction may be a committed one.
 * Source: KIP-98, "Consumer Coordination"; org.apache.kafka.clients.consumer.internals.CompletedFetch
 */
import { KafkaError } from '../errors.ts'
import type { Isolation, ReceivedRecord, TopicPartition } from '../types.ts'
import {
  type BatchView,
  batchesOf,
  type DecodedRecord,
  decodeControlRecord,
  decodeRecords,
  verifyCrc,
  visitRecords,
} from '../wire/index.ts'

export type AbortedTransaction = { readonly producerId: number; readonly firstOffset: number }

export type FetchedBatches = TopicPartition & {
  readonly fetchOffset: number
  readonly batches: Buffer | null
  readonly isolation: Isolation
  readonly aborted: readonly AbortedTransaction[]
  /** Records are views on the batches, without their headers. */
  readonly lent: boolean
}

/** @throws KafkaError KAFKA_CORRUPT_BATCH */
export function visibleRecords(fetched: FetchedBatches): { records: ReceivedRecord[]; position: number } {
  const { topic, partition, fetchOffset, batches, isolation, lent } = fetched
  const records: ReceivedRecord[] = []
  let position = fetchOffset
  if (batches === null) return { records, position }
  const filter = isolation === 'read_committed' ? new AbortedFilter(fetched.aborted) : null
  try {
    for (const batch of batchesOf(batches)) {
      if (batch.header.lastOffset < fetchOffset) continue
      if (!verifyCrc(batch.bytes)) throw new Error('the checksum differs')
      const hidden = filter?.hides(batch) ?? false
      if (!hidden && !batch.header.isControl) {
        if (lent) lendRecords(batch.bytes, fetched, records)
        else copyRecords(batch.bytes, fetched, records)
      }
      position = batch.header.lastOffset + 1
    }
  } catch (error) {
    const message = `${topic}-${partition}: the batch at offset ${position} or after it can not be read`
    throw new KafkaError('KAFKA_CORRUPT_BATCH', message, { cause: error })
  }
  return { records, position }
}

class AbortedFilter {
  /** By first offset; the ones before `#next` have begun. */
  readonly #aborted: readonly AbortedTransaction[]
  #next = 0
  readonly #active = new Set<number>()

  constructor(aborted: readonly AbortedTransaction[]) {
    this.#aborted = aborted.toSorted((a, b) => a.firstOffset - b.firstOffset)
  }

  /** To be asked of every batch, in order. */
  hides({ header, bytes }: BatchView): boolean {
    let next = this.#aborted[this.#next]
    while (next !== undefined && next.firstOffset <= header.lastOffset) {
      this.#active.add(next.producerId)
      this.#next++
      next = this.#aborted[this.#next]
    }
    if (!header.isTransactional) return false
    if (!header.isControl) return this.#active.has(header.producerId)
    const [marker] = decodeRecords(bytes)
    if (marker !== undefined && decodeControlRecord(marker).type === 'abort') this.#active.delete(header.producerId)
    return true
  }
}

const noHeaders: ReceivedRecord['headers'] = []

function lendRecords(batch: Buffer, { topic, partition, fetchOffset }: FetchedBatches, into: ReceivedRecord[]): void {
  visitRecords(batch, (offset, timestamp, key, value) => {
    if (offset >= fetchOffset) into.push({ topic, partition, offset, timestamp, key, value, headers: noHeaders })
  })
}

function copyRecords(batch: Buffer, { topic, partition, fetchOffset }: FetchedBatches, into: ReceivedRecord[]): void {
  for (const record of decodeRecords(batch)) {
    if (record.offset >= fetchOffset) into.push(copyOf(record, topic, partition))
  }
}

/** Into one buffer of its own, so that a record that is held doesn't hold the response that it came in. */
function copyOf(record: DecodedRecord, topic: string, partition: number): ReceivedRecord {
  const { key, value, headers } = record
  let size = (key?.length ?? 0) + (value?.length ?? 0)
  for (const [, content] of headers) size += content?.length ?? 0
  const own = Buffer.allocUnsafe(size)
  let at = 0
  const copy = (bytes: Buffer | null): Buffer | null => {
    if (bytes === null) return null
    const from = at
    at += bytes.copy(own, from)
    return own.subarray(from, at)
  }
  return {
    topic,
    partition,
    offset: record.offset,
    timestamp: record.timestamp,
    key: copy(key),
    value: copy(value),
    headers: headers.map(([name, content]) => [name, copy(content)] as const),
  }
}
