/**
 * A topology: which topics are read, what is done with each record, what is kept and what is written. It is plain data
 * and synchronous functions, so that the runtime, the test driver and a model can run the same one.
 *
 * Every source topic has the same number of partitions, and partition p of all of them makes task p. A task takes its
 * records one at a time: sources of a lower `priority` number first, each partition in offset order. Whatever a record
 * causes (store writes, sends) leaves in the same transaction as the offset that says it was read.
 */
import type { Headers, ReceivedRecord } from '@streampay/kafka'

/** Translates values to and from bytes. `decode` throws on bytes it does not accept, and copies what it keeps of them. */
export type Serde<T> = {
  encode(value: T): Buffer
  decode(bytes: Buffer): T
}

/** Headers of a record to be written. */
export type OutgoingHeaders = Readonly<Record<string, string>>

/**
 * A state store of a task, a Map with a changelog. Reads see the task's own uncommitted writes. Values are replaced, never
 * changed in place: an aborted transaction puts the old one back.
 */
export type StoreDefinition<V = unknown> = {
  readonly name: string
  /** The compacted changelog topic; by default `<applicationId>-<name>-changelog`. */
  readonly changelog?: string
  readonly value: Serde<V>
  /** Headers of each changelog record, for a changelog that is also a public topic. Not called for a delete. */
  readonly headers?: (key: string, value: V) => OutgoingHeaders
}

/** A whole compacted topic, all partitions, readable in every task. It trails the log; it is not part of transactions. */
export type GlobalTableDefinition<V = unknown> = {
  readonly name: string
  readonly topic: string
  readonly value: Serde<V>
  /** For a topic that anybody can write: a record that is not accepted changes nothing, as if it had not been written. */
  readonly accepts?: (record: TableRecord<V>) => boolean
}

/** A record as a global table reads it; the value `null` is a tombstone. */
export type TableRecord<V = unknown> = {
  readonly key: string
  readonly value: V | null
  readonly headers: Headers
}

export type SourceDefinition = {
  readonly topic: string
  /** Lower numbers are processed first. */
  readonly priority: number
  /**
   * A topic that this application alone writes and reads (a repartition topic): `onError` must be `stop`, and records are
   * deleted some time after they were consumed. Default false.
   */
  readonly internal?: boolean
  /**
   * What to do when `process` throws. `stop` (ledgers, internal topics): the task stops and names the record's
   * coordinates; nothing is skipped. `dead-letter` (topics that anybody can write): the record's effects are undone, it is
   * written to the dead-letter topic, and `onDeadLetter` may still answer it.
   */
  readonly onError: 'stop' | 'dead-letter'
  readonly process: (record: ReceivedRecord, context: ProcessorContext) => Wait | undefined
  /** Runs after the record was dead-lettered, in the same transaction. A throw here stops the task. */
  readonly onDeadLetter?: (record: ReceivedRecord, context: ProcessorContext, error: Error) => void
}

/**
 * Returned by `process` to be called again with the same record later: the record's effects are undone, its partition
 * (alone) is paused until the global table has reached the end offsets read at that moment or `timeoutMs` passed. On the
 * second call `context.waited` tells which.
 */
export type Wait = { readonly waitFor: string; readonly timeoutMs: number }

export type KeyValueStore<V> = {
  get(key: string): V | undefined
  set(key: string, value: V): void
  delete(key: string): void
  readonly size: number
  /** Live entries in no particular order; do not write while iterating. */
  entries(): IterableIterator<[string, V]>
}

export type ReadonlyTable<V> = {
  get(key: string): V | undefined
  readonly size: number
}

export type OutgoingRecord = {
  readonly topic: string
  readonly key: string | null
  /** `null` is a tombstone. */
  readonly value: Buffer | null
  readonly headers?: OutgoingHeaders
  /** By default the murmur2 partition of the key. */
  readonly partition?: number
}

/** What a processor may see and do while it handles one record. Everything is synchronous. */
export type ProcessorContext = {
  /** The task's number, which is the partition of all its sources. */
  readonly task: number
  readonly partitionCount: number
  /** The highest record timestamp that this task has seen in any source, in ms; it never goes back. */
  readonly streamTime: number
  /**
   * The highest timestamp of a source's records before the present one, in ms; 0 if there is none. Sources are not read in the
   * order of time: after an outage stream time may be hours ahead of records that are still to come from another source.
   */
  sourceTime(topic: string): number
  /** How an earlier Wait of this record ended; undefined on the first call. */
  readonly waited: 'reached' | 'timed-out' | undefined
  store<V>(name: string): KeyValueStore<V>
  table<V>(name: string): ReadonlyTable<V>
  /** Queues a record for a topic among `sinks`; it leaves with the transaction. */
  send(record: OutgoingRecord): void
  /**
   * What this task gathers during this batch: empty at its start, gone at its end, committed or not. A record that is
   * undone takes its writes back. For `endOfBatch`; values are replaced, never changed in place.
   */
  scratch<V>(): KeyValueStore<V>
}

/** The context outside of a record: no wait, and written records carry stream time. */
export type BatchContext = Omit<ProcessorContext, 'waited'>

/** Called at the start of a batch when stream time has moved on by `everyMs` since the last call, in the transaction. */
export type Punctuator = {
  readonly everyMs: number
  readonly run: (streamTime: number, context: BatchContext) => void
}

export type Topology = {
  /** The consumer group, and the prefix of transactional ids and internal topics. */
  readonly applicationId: string
  readonly sources: readonly SourceDefinition[]
  // biome-ignore lint/suspicious/noExplicitAny: a topology holds stores of many value types; each is recovered by name.
  readonly stores: readonly StoreDefinition<any>[]
  // biome-ignore lint/suspicious/noExplicitAny: as for stores.
  readonly tables: readonly GlobalTableDefinition<any>[]
  /** Every topic that processors send to, so that a typo is found at start. */
  readonly sinks: readonly string[]
  /** Where records of sources with `onError: 'dead-letter'` go; required if there is one. */
  readonly deadLetterTopic?: string
  readonly punctuators?: readonly Punctuator[]
  /**
   * Runs once for each task at the end of a batch that processed a record of it or left something in the scratch, in the
   * same transaction: it writes one record where each processed record would have written its own. Synchronous. A throw
   * stops the task.
   */
  readonly endOfBatch?: (context: BatchContext) => void
}

/** The value of a header as text, the last one if it repeats; undefined if absent or null. */
export function headerText(headers: Headers, name: string): string | undefined {
  for (let i = headers.length - 1; i >= 0; i--) {
    const header = headers[i]
    if (header !== undefined && header[0] === name) return header[1]?.toString('utf8')
  }
  return undefined
}
