/**
 * A topology: which topics are read, what is done with each record, what is kept and what is written. It is plain data
 * and synchronous functions, so that the runtime, the test driver and a model can run the same one.
 *
 * Every source topic has the same number of partitions, and partition p of all of them makes task p. A task takes its
 * records one at a time: sources of a lower `priority` number first, each partition in offset order. Whatever a record
 * causes (store writes, sends) leaves in the same transaction as the offset that says it was read.
 */
import type { Headers, ReceivedRecord } from '@streampay/kafka'

/**
 * Translates values to and from bytes. `decode` throws on bytes it does not accept, and copies what it keeps of them.
 * `encode` throws on a value whose bytes `decode` would not accept: the check stands here because every write to a store or
 * a sink passes here, while its processor can still be undone.
 */
export type Serde<T> = {
  encode(value: T): Buffer
  decode(bytes: Buffer): T
}

/** Headers of a record to be written. */
export type OutgoingHeaders = Readonly<Record<string, string>>

/** Translates the keys of a store to and from bytes, of which there is at least one. Stores are ordered by the bytes. */
export type KeyCodec<K> = {
  encode(key: K): Buffer
  /** May keep the bytes. */
  decode(bytes: Buffer): K
}

/**
 * A state store of a task: an ordered map with a changelog. Reads see the task's own uncommitted writes. Values are
 * replaced, never changed in place: an aborted transaction puts the old one back.
 */
export type StoreDefinition<V = unknown, K = string> = {
  /** Of the characters a–z, 0–9, ".", "_" and "-". */
  readonly name: string
  /** The compacted changelog topic; by default `<applicationId>-<name>-changelog`. */
  readonly changelog?: string
  /** Of the values, as they are on the disk and on the changelog. */
  readonly value: Serde<V>
  /** By default keys are text, in UTF-8. */
  readonly key?: KeyCodec<K>
  /** Headers of each changelog record, for a changelog that is also a public topic. Not called for a delete. */
  readonly headers?: (key: K, value: V) => OutgoingHeaders
  /** By default entries stay until they are deleted. */
  readonly expires?: Expiry
}

/**
 * When the entries of a store are gone by themselves: `get` and `range` pass over an entry as soon as time has come to its
 * record's timestamp + `afterMs`; the record has the time at which it was set, if its cause is older. What time it is follows from the records that were processed, so that a task that runs again, or
 * elsewhere, sees the same. When an entry leaves the disk is another matter, and nothing is written to the changelog for it:
 * the changelog has to keep the timestamps of its writers (CreateTime), and is cut off by its `retention.ms`.
 */
export type Expiry = {
  /** From the timestamp of the entry on, in ms. */
  readonly afterMs: number
  /**
   * The source whose time decides, as `sourceTime` tells it. By default stream time, which may be ahead of a source
   * that is read late: an entry that such a source may still ask for needs that source's time.
   */
  readonly timeOf?: string
  /**
   * `retention.ms` of the changelog. The log counts it by the clock on the wall, so it has to cover `afterMs` and the longest
   * that a record of the source may lie on the log before it is processed.
   */
  readonly retentionMs: number
}

/** A topic that processors send to. What is sent is encoded at once, by the one definition of the topic. */
export type SinkDefinition<V = unknown> = {
  /** Not a changelog: that is written by its store alone. */
  readonly topic: string
  /** Encodes what is sent, while its processor can still be undone. */
  readonly value: Serde<V>
  /** What the key has to be, where a reader derives it from the value; any key by default. Not called for a tombstone. */
  readonly key?: (value: V) => string
}

/** A whole compacted topic, all partitions, readable in every task. It trails the log; it is not part of transactions. */
export type GlobalTableDefinition<V = unknown> = {
  /** As that of a store. */
  readonly name: string
  /** Read from its start, all partitions, whatever tasks the process has. */
  readonly topic: string
  /** Decodes what is on the topic. A record that it does not accept is passed over and counted. */
  readonly value: Serde<V>
  /** For a topic that anybody can write: a record that is not accepted changes nothing, as if it had not been written. */
  readonly accepts?: (record: TableRecord<V>) => boolean
  /** Raised when `accepts` or `decode` judge otherwise than before: what was kept on disk is read anew. Default 1. */
  readonly version?: number
}

/** A record as a global table reads it; the value `null` is a tombstone. */
export type TableRecord<V = unknown> = {
  readonly key: string
  readonly value: V | null
  readonly headers: Headers
}

/** A topic that is read, and what is done with each of its records. */
export type SourceDefinition = {
  /** It has as many partitions as every other source. */
  readonly topic: string
  /** Lower numbers are processed first. */
  readonly priority: number
  /**
   * A topic that this application alone writes and reads (a repartition topic): `onError` must be `stop`, and records are
   * deleted some time after they were consumed. Default false.
   */
  readonly internal?: boolean
  /**
   * For records that nobody waits for: after a fetch that brought little, the next one comes so much later, in ms, and brings what has
   * come meanwhile. The first after a quiet time comes at once. By default `commitIntervalMs` of the process.
   */
  readonly lingerMs?: number
  /**
   * What to do when `process` throws. `stop` (ledgers, internal topics): the task stops and names the record's
   * coordinates; nothing is skipped. `dead-letter` (topics that anybody can write): the record's effects are undone, it is
   * written to the dead-letter topic, and `onDeadLetter` may still answer it.
   */
  readonly onError: 'stop' | 'dead-letter'
  /** Handles one record, synchronously. What it throws is judged by `onError`; a returned Wait calls it again later. */
  readonly process: (record: ReceivedRecord, context: ProcessorContext) => Wait | undefined
  /**
   * Runs after the record was dead-lettered, in the same transaction. If it throws, its effects are undone and the dead letter
   * says why there is no answer: what came from outside must not stop the task here either.
   */
  readonly onDeadLetter?: (record: ReceivedRecord, context: ProcessorContext, error: Error) => void
}

/**
 * Returned by `process` to be called again with the same record later: the record's effects are undone, its partition
 * (alone) is paused until the global table has reached the end offsets read at that moment or `timeoutMs` passed. On the
 * second call `context.waited` tells which.
 */
export type Wait = { readonly waitFor: string; readonly timeoutMs: number }

/** A state store, as a processor reads and writes it. */
export type KeyValueStore<V, K = string> = {
  /** What was set last, in this batch as well; undefined if there is nothing, or if it has expired. */
  get(key: K): V | undefined
  /** Encodes the value at once, and throws what the serde throws. The value must not be changed afterwards. */
  set(key: K, value: V): void
  /** Nothing happens, and nothing is written, for a key that isn't there. */
  delete(key: K): void
  /**
   * Entries in the ascending order of their keys' bytes, or descending, as they are when reading begins. Nothing bounds it but
   * what is asked: a store may hold more than a batch can walk over. Keys of 994 bytes and more stand behind those
   * of an equal beginning, in no order among themselves.
   */
  range(range?: KeyRange<K>): Iterable<[K, V]>
}

/** Which entries of a store, in which direction, and how many. */
export type KeyRange<K = string> = {
  /** The least key that belongs to it; by default from the first. */
  readonly gte?: K
  /** The least key behind it; by default to the last. */
  readonly lt?: K
  readonly reverse?: boolean
  /** At most so many entries. */
  readonly limit?: number
}

/** What a task gathers during one batch. */
export type Scratch<V> = {
  get(key: string): V | undefined
  set(key: string, value: V): void
  delete(key: string): void
  readonly size: number
  entries(): IterableIterator<[string, V]>
}

/** A global table, as processors read it. */
export type ReadonlyTable<V> = {
  /** The newest value that was read of this key; undefined if there is none. */
  get(key: string): V | undefined
  readonly size: number
}

/** A record for a sink. It gets the log time of the record that caused it. */
export type OutgoingRecord<V = unknown> = {
  readonly key: string | null
  /** `null` is a tombstone. */
  readonly value: V | null
  readonly headers?: OutgoingHeaders
  /** By default the murmur2 partition of the key. */
  readonly partition?: number
}

/** What a processor may see and do while it handles one record. Everything is synchronous. */
export type ProcessorContext = {
  /** The task's number, which is the partition of all its sources. */
  readonly task: number
  readonly partitionCount: number
  /**
   * The highest timestamp, in ms, of the present record and of all that this task has processed, whatever their source. A record
   * that waits counts once it is processed. It never goes back from one processed record to the next.
   */
  readonly streamTime: number
  /**
   * The highest timestamp of a source's records before the present one, in ms; 0 if there is none. Sources are not read in the
   * order of time: after an outage stream time may be hours ahead of records that are still to come from another source.
   */
  sourceTime(topic: string): number
  /** How an earlier Wait of this record ended; undefined on the first call. */
  readonly waited: 'reached' | 'timed-out' | undefined
  /** The state store of this task, by its name. @throws StreamsError STREAMS_CONTEXT_MISUSED for an unknown name */
  store<V, K = string>(name: string): KeyValueStore<V, K>
  /** A global table, by its name. @throws StreamsError STREAMS_CONTEXT_MISUSED for an unknown name */
  table<V>(name: string): ReadonlyTable<V>
  /**
   * The task to which a key belongs, if this process runs it now. What is done there leaves in the same transaction as what is
   * done here, and is undone with the present record. Undefined if another process may run it: then a record has to be sent to it.
   * Which of the two it is changes with each rebalance, so a record that is sent in both cases has to say whether it is done with.
   */
  taskOf(key: string): NeighbourContext | undefined
  /**
   * Queues a record for one of the topology's `sinks`; it leaves with the transaction. Throws what the sink's serde throws,
   * and a StreamsError STREAMS_RECORD_REFUSED for a record that its readers could not take.
   */
  send<V>(sink: SinkDefinition<V>, record: OutgoingRecord<V>): void
  /**
   * What this task gathers during this batch: empty at its start, gone at its end, committed or not. A record that is
   * undone takes its writes back. For `endOfBatch`; values are replaced, never changed in place.
   */
  scratch<V>(): Scratch<V>
}

/** What a processor may do in another task of its process, until it returns. Written records carry the time of the present record. */
export type NeighbourContext = Pick<ProcessorContext, 'task' | 'store' | 'send'>

/** The context outside of a record: no wait, no other task, and written records carry stream time. */
export type BatchContext = Omit<ProcessorContext, 'waited' | 'taskOf'>

/** Called at the start of a batch when stream time has moved on by `everyMs` since the last call, in the transaction. */
export type Punctuator = {
  readonly everyMs: number
  readonly run: (streamTime: number, context: BatchContext) => void
}

/** Follows records that belong to a trace, through what they cause. Both are called while a batch runs, so they must be quick. */
export type Tracing = {
  /** Headers for every record that this one causes, in this and in other tasks; undefined if it isn't followed. Changelogs have none. */
  carry(record: ReceivedRecord): OutgoingHeaders | undefined
  /** A record that is followed was processed and wrote something. Its transaction is still to come, and may undo it. */
  processed(record: ReceivedRecord): void
}

/** A store of any types. The processor that gets it by its name says which they are. */
// biome-ignore lint/suspicious/noExplicitAny: a topology holds stores of many types; each is recovered by name.
export type AnyStoreDefinition = StoreDefinition<any, any>

/** What an application does with its topics: data and functions, which `runTopology` and the test driver run alike. */
export type Topology = {
  /** The consumer group, and the prefix of transactional ids and internal topics. */
  readonly applicationId: string
  /** At least one. All have the same number of partitions, which is the number of tasks. */
  readonly sources: readonly SourceDefinition[]
  /** Each task has its own of each. */
  readonly stores: readonly AnyStoreDefinition[]
  /** Each process has one of each, for all its tasks. */
  // biome-ignore lint/suspicious/noExplicitAny: as for stores.
  readonly tables: readonly GlobalTableDefinition<any>[]
  /** Every topic that processors send to, so that a contradiction is found at start. */
  // biome-ignore lint/suspicious/noExplicitAny: as for stores.
  readonly sinks: readonly SinkDefinition<any>[]
  /** Where records of sources with `onError: 'dead-letter'` go; required if there is one. */
  readonly deadLetterTopic?: string
  /**
   * Where operators note which records of the topology's sources and changelogs are to be left out (set-aside.ts): the way on
   * from a record that stops a task.
   */
  readonly setAsideTopic?: string
  /** What is called as stream time goes on. */
  readonly punctuators?: readonly Punctuator[]
  /**
   * Runs once for each task at the end of a batch that processed a record of it or left something in the scratch, in the
   * same transaction: it writes one record where each processed record would have written its own. Synchronous. A throw
   * stops the task.
   */
  readonly endOfBatch?: (context: BatchContext) => void
  /** Follows records that belong to a trace; by default none are followed. */
  readonly tracing?: Tracing | undefined
}
