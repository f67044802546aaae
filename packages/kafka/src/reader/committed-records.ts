/**
 * From the batches of one fetch to the records that the caller may see. It leaves out control batches, offsets before the
 * requested one and, for read_committed, the records of aborted transactions.
 *
 * A fetch response lists the aborted transactions in its range, each with its producer id and first offset,
 * also if they began in an earlier fetch. From a transaction's first offset on, that producer's transactional batches
 * are dropped, until its abort marker: the same producer's next transaction may be a committed one.
 * Source: KIP-98, "Consumer Coordination"; org.apache.kafka.clients.consumer.internals.CompletedFetch
 */
import type { Isolation, ReceivedRecord, TopicPartition, UndecodableBatch, UndecodablePolicy } from '../types.ts'
import {
  type BatchHeader,
  type BatchView,
  batchesOf,
  decodeControlRecord,
  decodeRecords,
  MalformedError,
  readBatchHeader,
  type VisitRecord,
  verifyCrc,
  visitRecords,
  type WantedHeaders,
} from '../wire/index.ts'
import { UndecodableBatchError, undecodable } from './undecodable.ts'

export type AbortedTransaction = { readonly producerId: number; readonly firstOffset: number }

export type FetchedBatches = TopicPartition & {
  readonly fetchOffset: number
  /** The end of the log, or -1 if it isn't known. */
  readonly highWatermark: number
  readonly batches: Buffer | null
  readonly isolation: Isolation
  readonly aborted: readonly AbortedTransaction[]
  /** If given, records are views on the batches, and have only these headers. */
  readonly lent: WantedHeaders | undefined
  readonly onUndecodable: UndecodablePolicy
}

export type VisibleRecords = {
  readonly records: ReceivedRecord[]
  /** The next offset to read. */
  readonly position: number
  /** The batches that were skipped. */
  readonly undecodable: UndecodableBatch[]
  /** Why reading ends at the position. */
  readonly fault: UndecodableBatchError | undefined
}

/** All visible records of a response, up to a batch that can't be decoded and must not be skipped. */
export function visibleRecords(fetched: FetchedBatches): VisibleRecords {
  const { topic, partition, batches, isolation, highWatermark } = fetched
  const records: ReceivedRecord[] = []
  const passed: UndecodableBatch[] = []
  const filter = isolation === 'read_committed' ? new AbortedFilter(fetched.aborted) : null
  let position = fetched.fetchOffset
  let rest = batches ?? Buffer.alloc(0)
  while (rest.length > 0) {
    const held = records.length
    try {
      const view = nextBatch(rest, rest === batches)
      if (view === undefined) break
      if (view.header.lastOffset >= position) {
        takeRecords(view, { fetched, filter, into: records })
        position = view.header.lastOffset + 1
      }
      rest = rest.subarray(view.header.sizeInBytes)
    } catch (error) {
      records.length = held
      const { batch, bytesToNext } = undecodable({ topic, partition, rest, position, highWatermark, error })
      if (policyFor(fetched.onUndecodable, batch) === 'stop') {
        return { records, position, undecodable: passed, fault: new UndecodableBatchError(batch) }
      }
      filter?.pass(rest)
      passed.push(batch)
      position = batch.lastOffset + 1
      if (bytesToNext === undefined) break
      rest = rest.subarray(bytesToNext)
    }
  }
  return { records, position, undecodable: passed, fault: undefined }
}

function policyFor(policy: UndecodablePolicy, batch: UndecodableBatch): 'stop' | 'skip' {
  return typeof policy === 'function' ? policy(batch) : policy
}

/**
 * Undefined behind the last whole batch. A log sends the first batch whole, however large it is (KIP-74): if the first one isn't whole,
 * its length field is wrong, and another request would bring the same bytes.
 */
function nextBatch(rest: Buffer, isFirst: boolean): BatchView | undefined {
  const [view] = batchesOf(rest)
  if (view === undefined && isFirst) {
    throw new MalformedError(`the first batch of a response is cut off after ${rest.length} bytes`)
  }
  if (view !== undefined && view.header.lastOffset < view.header.baseOffset) {
    throw new MalformedError(`a batch from offset ${view.header.baseOffset} to ${view.header.lastOffset}`)
  }
  return view
}

type Taking = {
  readonly fetched: FetchedBatches
  readonly filter: AbortedFilter | null
  readonly into: ReceivedRecord[]
}

function takeRecords(batch: BatchView, { fetched, filter, into }: Taking): void {
  if (!verifyCrc(batch.bytes)) throw new MalformedError('the checksum differs')
  const hidden = filter?.hides(batch) ?? false
  if (hidden || batch.header.isControl) return
  const { topic, partition, fetchOffset, lent } = fetched
  const inOrder = orderOf(batch.header)
  const take: VisitRecord = (offset, timestamp, key, value, headers) => {
    inOrder(offset)
    if (offset < fetchOffset) return
    const record = { topic, partition, offset, timestamp, key, value, headers }
    into.push(lent === undefined ? copyOf(record) : record)
  }
  visitRecords(batch.bytes, take, lent ?? 'all')
}

class AbortedFilter {
  /** Sorted by first offset; those before `#next` have begun. */
  readonly #aborted: readonly AbortedTransaction[]
  #next = 0
  readonly #active = new Set<number>()

  constructor(aborted: readonly AbortedTransaction[]) {
    this.#aborted = aborted.toSorted((a, b) => a.firstOffset - b.firstOffset)
  }

  /** Has to be called for every batch, in order. */
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

  /** A marker that can't be decoded still ends its transaction, by commit or abort. */
  pass(broken: Buffer): void {
    try {
      const { isControl, producerId } = readBatchHeader(broken)
      if (isControl) this.#active.delete(producerId)
    } catch {
      // Without a header the producer of the marker is not known.
    }
  }
}

/** A reader moves by the offsets: one outside of its batch would make it skip or repeat records. */
function orderOf({ baseOffset, lastOffset }: BatchHeader): (offset: number) => void {
  let least = baseOffset
  return (offset) => {
    if (offset < least || offset > lastOffset) {
      throw new MalformedError(`a record of offset ${offset} where ${least} to ${lastOffset} is allowed`)
    }
    least = offset + 1
  }
}

/** Copies the record into a buffer of its own, so that a kept record doesn't keep the whole response in memory. */
function copyOf(record: ReceivedRecord): ReceivedRecord {
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
    ...record,
    key: copy(key),
    value: copy(value),
    headers: headers.map(([name, content]) => [name, copy(content)] as const),
  }
}
