/**
 * A topology: which topics are read, how each record is processed, what is stored and what is written. It consists of plain data
 * and synchronous functions, so that the runtime, the test driver and a model can run the same one.
 *
 * Every source topic has the same number of partitions, and partition p of all of them makes task p. A task processes its
 * records one at a time: sources of a lower `priority` number first, each partition in offset order. The effects of a record
 * (store writes, sends) are in the same transaction as the offset that marks it as read.
 */
import type { Headers, ReceivedRecord } from '@streampay/kafka'

/**
 * Translates values to and from bytes. `decode` throws on bytes that it does not accept, and copies the parts that it keeps.
 * `encode` throws on a value whose bytes `decode` would not accept. The check belongs there because every write to a store or
 * a sink is encoded while its processor can still be undone.
 */
export type Serde<T> = {
  /** Throws on a value whose bytes `decode` would not accept. */
  encode(value: T): Buffer
  /** Throws on bytes that it does not accept. It must not keep views of them. */
  decode(bytes: Buffer): T
}

/** Headers of a record to be written. */
export type OutgoingHeaders = Readonly<Record<string, string>>

/** Translates the keys of a store to and from bytes, at least one byte each. Stores are ordered by the bytes. */
export type KeyCodec<K> = {
  /** Returns at least one byte. */
  encode(key: K): Buffer
  /** May keep the bytes. */
  decode(bytes: Buffer): K
}

/**
 * A state store of a task: an ordered map with a changelog. Reads see the task's own uncommitted writes. Values are
 * replaced, never changed in place: an aborted transaction puts the old one back.
 */
export type StoreDefinition<V = unknown, K = string> = {
  /** It may have the characters a–z, 0–9, ".", "_" and "-". */
  readonly name: string
  /** The compacted changelog topic; by default `<applicationId>-<name>-changelog`. */
  readonly changelog?: string
  /** The serde of the values, on the disk and in the changelog. */
  readonly value: Serde<V>
  /** Default: keys are text, in UTF-8. */
  readonly key?: KeyCodec<K>
  /** Headers of each changelog record, for a changelog that is also a public topic. Not called for a delete. */
  readonly headers?: (key: K, value: V) => OutgoingHeaders
  /** By default entries stay until they are deleted. */
  readonly expires?: Expiry
}

/**
 * When the entries of a store expire: `get` and `range` skip an entry as soon as the time reaches its
 * record's timestamp + `afterMs`; if the record's cause is older, the record has the time at which it was set. The time follows from
 * the processed records, so a task that runs again, or in another process, has the same results. The disk deletes an entry
 * later, and nothing is written to the changelog for it: the changelog has to keep its writers' timestamps (CreateTime), and its
 * `retention.ms` deletes old records.
 */
export type Expiry = {
  /** Counted from the timestamp of the entry, in ms. */
  readonly afterMs: number
  /**
   * The source whose time decides, as `sourceTime` returns it. Default: stream time, which may be ahead of a source
   * that is read late: an entry that records of such a source may still need has to use that source's time.
   */
  readonly timeOf?: string
  /**
   * `retention.ms` of the changelog. The log counts it by the wall clock, so it has to cover `afterMs` and the longest
   * time that a record of the source may be on the log before it is processed.
   */
  readonly retentionMs: number
}

/** A topic that processors send to. All records are encoded at once, by the one definition of the topic. */
export type SinkDefinition<V = unknown> = {
  /** Must not be a changelog: only the store writes that. */
  readonly topic: string
  /** Encodes a record when it is sent, while its processor can still be undone. */
  readonly value: Serde<V>
  /** The required key, if readers derive it from the value; by default any key. Not called for a tombstone. */
  readonly key?: (value: V) => string
}

/** A whole compacted topic, all partitions, readable in every task. It is a little behind the log, and not part of transactions. */
export type GlobalTableDefinition<V = unknown> = {
  /** The same rule as for the name of a store. */
  readonly name: string
  /** Read from its start, all partitions, whichever tasks the process has. */
  readonly topic: string
  /** Decodes the records of the topic. A record that it does not accept is skipped and counted. */
  readonly value: Serde<V>
  /** For a topic that any client can write: a record that is not accepted has no effect, as if it had not been written. */
  readonly accepts?: (record: TableRecord<V>) => boolean
  /** Raise it when `accepts` or `decode` change their decisions: the table on the disk is then read anew. Default 1. */
  readonly version?: number
}

/** A record as a global table reads it; the value `null` is a tombstone. */
export type TableRecord<V = unknown> = {
  readonly key: string
  /** `null` is a tombstone. */
  readonly value: V | null
  readonly headers: Headers
}

/** A topic that is read, and how each of its records is processed. */
export type SourceDefinition = {
  /** It has as many partitions as every other source. */
  readonly topic: string
  /** Lower numbers are processed first. */
  readonly priority: number
  /**
   * A topic that only this application writes and reads (a repartition topic): `onError` must be `stop`, and records are
   * deleted some time after they were consumed. Default false.
   */
  readonly internal?: boolean
  /**
   * For records that no client waits for: after a fetch that brought little, the next fetch comes after this time, in ms, and brings
   * all records that came meanwhile. The first record after a quiet time comes at once. Default: `commitIntervalMs` of the process.
   */
  readonly lingerMs?: number
  /**
   * What happens if `process` throws. `stop` (ledgers, internal topics): the task stops and reports the record's
   * coordinates; no record is skipped. `dead-letter` (topics that any client can write): the record's effects are undone, it is
   * written to the dead-letter topic, and `onDeadLetter` may still answer it.
   */
  readonly onError: 'stop' | 'dead-letter'
  /** Handles one record, synchronously. `onError` decides about an error; after a returned Wait it is called again later. */
  readonly process: (record: ReceivedRecord, context: ProcessorContext) => Wait | undefined
  /**
   * Runs after the record was dead-lettered, in the same transaction. If it throws, its effects are undone and the dead letter
   * says why there is no answer: a record from outside must not stop the task here either.
   */
  readonly onDeadLetter?: (record: ReceivedRecord, context: ProcessorContext, error: Error) => void
}

/**
 * Returned by `process` to be called again with the same record later: the record's effects are undone, and only its partition
 * is paused until the global table has reached the end offsets read at that moment, or `timeoutMs` has passed. In the
 * second call `context.waited` has the result. What was fetched before that moment does not wait for the same table again: its
 * second call comes at once.
 */
export type Wait = {
  /** The name of a global table. */
  readonly waitFor: string
  /** The longest wait, in ms; the record is then processed with `waited` as `timed-out`. */
  readonly timeoutMs: number
}

/** A state store, as a processor reads and writes it. */
export type KeyValueStore<V, K = string> = {
  /** The last value set, also in this batch; undefined if there is none, or if it has expired. */
  get(key: K): V | undefined
  /** Encodes the value at once, and throws the serde's errors. The value must not be changed afterwards. */
  set(key: K, value: V): void
  /** For a key that doesn't exist it has no effect, and nothing is written. */
  delete(key: K): void
  /**
   * Entries in the ascending or descending order of their keys' bytes, as they are when reading begins. Only the arguments limit
   * the result: a store may have more entries than a batch can read. Keys of 994 bytes and more come after those
   * with the same first bytes, in no order among themselves.
   */
  range(range?: KeyRange<K>): Iterable<[K, V]>
}

/** Which entries of a store, in which direction, and how many. */
export type KeyRange<K = string> = {
  /** The lowest key, inclusive; default: the first key. */
  readonly gte?: K
  /** The highest key, exclusive; default: no limit. */
  readonly lt?: K
  /** In descending order of the keys' bytes; default false. */
  readonly reverse?: boolean
  /** The largest number of entries. */
  readonly limit?: number
}

/** Data that a task collects during one batch. */
export type Scratch<V> = {
  /** The value of this batch; undefined if there is none. */
  get(key: string): V | undefined
  /** Undone if the record that is being processed is undone, as in a store. */
  set(key: string, value: V): void
  /** Does nothing if there is no such key. Undone as `set` is. */
  delete(key: string): void
  /** The number of keys. */
  readonly size: number
  entries(): IterableIterator<[string, V]>
}

/** A global table, as processors read it. */
export type ReadonlyTable<V> = {
  /** The newest value read for this key; undefined if there is none. */
  get(key: string): V | undefined
  /** The number of keys. */
  readonly size: number
}

/** A record for a sink. It gets the log time of the record that caused it. */
export type OutgoingRecord<V = unknown> = {
  /** `null` is a record without a key. */
  readonly key: string | null
  /** `null` is a tombstone. */
  readonly value: V | null
  /** Encoded as UTF-8. Default: no headers. */
  readonly headers?: OutgoingHeaders
  /** Default: the murmur2 partition of the key. */
  readonly partition?: number
}

/** What a processor may read and do while it handles one record. All calls are synchronous. */
export type ProcessorContext = {
  /** The task's number, which is the partition of all its sources. */
  readonly task: number
  /** The number of tasks, and of partitions of each source. */
  readonly partitionCount: number
  /**
   * The highest timestamp, in ms, of the present record and of all that this task has processed, of all sources. A record
   * that waits counts once it is processed. Stream time never goes back from one processed record to the next.
   */
  readonly streamTime: number
  /**
   * The highest timestamp of a source's records before the present one, in ms; 0 if there is none. Sources are not read in the
   * order of time: after an outage, stream time may be hours ahead of records that still have to come from another source.
   */
  sourceTime(topic: string): number
  /** The result of an earlier Wait of this record; undefined on the first call. */
  readonly waited: 'reached' | 'timed-out' | undefined
  /** The state store of this task, by its name. @throws StreamsError STREAMS_CONTEXT_MISUSED for an unknown name */
  store<V, K = string>(name: string): KeyValueStore<V, K>
  /** A global table, by its name. @throws StreamsError STREAMS_CONTEXT_MISUSED for an unknown name */
  table<V>(name: string): ReadonlyTable<V>
  /**
   * The task to which a key belongs, if this process runs it now. Writes there are in the same transaction as writes
   * here, and are undone with the present record. Undefined if another process may run it: a record has to be sent to it instead.
   * Each rebalance may change the result, so a record that is sent in both cases has to say whether its effect is applied already.
   */
  taskOf(key: string): NeighbourContext | undefined
  /**
   * Queues a record for one of the topology's `sinks`; it is sent with the transaction. Throws the errors of the sink's serde,
   * and a StreamsError STREAMS_RECORD_REFUSED for a record that its readers could not read.
   */
  send<V>(sink: SinkDefinition<V>, record: OutgoingRecord<V>): void
  /**
   * Data that this task collects during this batch: empty at its start, dropped at its end, committed or not. If a record is
   * undone, its writes are undone. For `endOfBatch`; values are replaced, never changed in place.
   */
  scratch<V>(): Scratch<V>
}

/** What a processor may do in another task of its process, until it returns. Written records have the time of the present record. */
export type NeighbourContext = Pick<ProcessorContext, 'task' | 'store' | 'send'>

/** The context outside of a record: no wait, no other task, and written records have stream time. */
export type BatchContext = Omit<ProcessorContext, 'waited' | 'taskOf'>

/** Called at the start of a batch if stream time has advanced by `everyMs` since the last call, in the transaction. */
export type Punctuator = {
  /** The shortest stream time between two calls, in ms. */
  readonly everyMs: number
  /** Called with the present stream time, in ms since the epoch. */
  readonly run: (streamTime: number, context: BatchContext) => void
}

/** Follows records that belong to a trace, and the records that they cause. Both are called during a batch, so they must be fast. */
export type Tracing = {
  /** Headers for every record that this one causes, in this and in other tasks; undefined if it isn't followed. Changelogs have none. */
  carry(record: ReceivedRecord): OutgoingHeaders | undefined
  /** A followed record was processed and wrote something. Its transaction has not ended yet, and may undo it. */
  processed(record: ReceivedRecord): void
}

/** A store of any types. A processor that gets it by its name knows them. */
// biome-ignore lint/suspicious/noExplicitAny: a topology holds stores of many types; each is recovered by name.
export type AnyStoreDefinition = StoreDefinition<any, any>

/** What an application does with its topics: data and functions, which `runTopology` and the test driver run in the same way. */
export type Topology = {
  /** The consumer group, and the prefix of transactional ids and internal topics. */
  readonly applicationId: string
  /** At least one. All have the same number of partitions, which is the number of tasks. */
  readonly sources: readonly SourceDefinition[]
  /** Each task has its own instance of each store. */
  readonly stores: readonly AnyStoreDefinition[]
  /** Each process has one instance of each table, for all its tasks. */
  // biome-ignore lint/suspicious/noExplicitAny: as for stores.
  readonly tables: readonly GlobalTableDefinition<any>[]
  /** Every topic that processors send to, so that a contradiction is found at start. */
  // biome-ignore lint/suspicious/noExplicitAny: as for stores.
  readonly sinks: readonly SinkDefinition<any>[]
  /** The topic for records of sources with `onError: 'dead-letter'`; required if there is one. */
  readonly deadLetterTopic?: string
  /**
   * The topic in which operators note the records of the topology's sources and changelogs to skip (set-aside.ts): the way to
   * continue after a record that stops a task.
   */
  readonly setAsideTopic?: string
  /** Called as stream time advances. */
  readonly punctuators?: readonly Punctuator[]
  /**
   * Runs once for each task at the end of a batch that processed one of its records or left data in the scratch, in the
   * same transaction: it writes one record where otherwise each processed record would write its own. Synchronous. If it throws, the
   * task stops.
   */
  readonly endOfBatch?: (context: BatchContext) => void
  /** Follows records that belong to a trace; by default none are followed. */
  readonly tracing?: Tracing | undefined
}
