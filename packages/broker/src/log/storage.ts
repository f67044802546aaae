/**
 * The log of one data folder: topics with their partitions, one journal for all of them, and checkpoints.
 *
 *     <data folder>/lock, holder        folder-lock.ts
 *                  /journal-0000000007  journal.ts: what was written since the checkpoint
 *                  /checkpoint          checkpoint.ts: topics, segments, producers
 *                  /topics/<name>.<id>/<partition>/<base offset>.log   segment.ts: record batches
 *                                                   ….index              segment-index.ts: places, times, aborted transactions
 *
 * Changes of topics, their configuration, log starts and producer ids are written to the journal as well, in one order with the
 * records: one sync makes all of them durable, and recovery restores the acknowledged state.
 */

import { randomUUID } from 'node:crypto'
import { dirname, join } from 'node:path'
import { errors } from '@streampay/kafka/wire'
import { checkTopicConfig } from '../topics/check-topic-config.ts'
import { checkTopicName, isInternalTopic } from '../topics/topic-name.ts'
import { ApiError } from './api-error.ts'
import { type BoundedFiles, boundedFiles } from './bounded-files.ts'
import { saveCheckpoint } from './checkpoint.ts'
import { descriptorBudget } from './descriptor-budget.ts'
import { nodeFiles } from './files.ts'
import { type FolderLock, lockFolder } from './folder-lock.ts'
import { IndexCache } from './index-cache.ts'
import { type CapturedCheckpoint, type Journal, openJournal } from './journal.ts'
import type { JournalEntry } from './journal-format.ts'
import { maintainPartitions } from './maintenance.ts'
import type { LogPartition, PartitionState } from './partition.ts'
import { recoverFiles, removeJournalsBefore, replayBatch, restoreSegments } from './recovery.ts'
import type { Segment, SegmentState } from './segment.ts'
import { changeTopicLogs, type LogContext, openTopicLogs, type TopicLogs } from './topic-logs.ts'
import type {
  MaintenanceReport,
  NewTopic,
  Partition,
  Storage,
  StorageLogger,
  StorageOptions,
  TopicInfo,
} from './types.ts'
import { verifyEnds } from './verify-ends.ts'

const defaultCheckpointBytes = 16 * 1024 * 1024
const defaultMaintenanceIntervalMs = 30_000
/** At most 96 MiB of memory, during a compaction. */
const defaultCompactionMaxKeys = 1_500_000
/** The size of indexes in memory: enough for about 6 GB of segments. */
const indexCacheBytes = 32 * 1024 * 1024
/** The number of producer ids in one journal entry; the unused ids of a block are lost with the process, as in Kafka. */
const producerIdBlock = 1000
/** Kafka has no such limit except memory; this one prevents that a typo creates a million folders. */
const maxPartitions = 10_000

/**
 * Takes the folder's lock and recovers the log.
 * @throws FolderLockedError, BrokenLogError, or the system's error when the folder cannot be used
 */
export async function openStorage(options: StorageOptions): Promise<Storage> {
  const maxOpenFiles = options.maxOpenFiles ?? descriptorBudget().files
  const bounded = boundedFiles(options.files ?? nodeFiles, { maxOpenFiles })
  const files = options.wrapFiles?.(bounded) ?? bounded
  files.makeFolder(join(options.dataDir, 'topics'))
  // Created by an older version. The folder itself may have existed before, so its permissions are not changed.
  for (const name of files.list(options.dataDir)) if (isOurs(name)) files.makePrivate(join(options.dataDir, name))
  const lock = files.isOfThisProcess ? noLock : lockFolder(options.dataDir, files)
  try {
    const storage = new LogStorage({ ...options, files }, () => lock.release())
    await storage.recover()
    return storage
  } catch (error) {
    lock.release()
    throw error
  }
}

const noLock: FolderLock = { release: () => undefined }

function isOurs(name: string): boolean {
  return ['topics', 'checkpoint', 'holder', 'lock'].includes(name) || /^journal-\d+$/.test(name)
}

class LogStorage implements Storage {
  readonly #options: StorageOptions
  readonly #files: BoundedFiles
  readonly #logger: StorageLogger
  readonly #release: () => void
  readonly #context: LogContext
  readonly #byName = new Map<string, TopicLogs>()
  readonly #byId = new Map<string, TopicLogs>()
  /** Topics whose creation is not durable yet, by name. */
  readonly #creating = new Map<string, Promise<TopicInfo>>()
  #journal: Journal | undefined
  /** Ids from `next` up to `limit` are reserved in the journal. */
  #producerIds = { next: 0, limit: 0 }
  #reserving: Promise<void> | undefined
  #maintenance: Promise<unknown> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined
  #closing: Promise<void> | undefined

  constructor(options: StorageOptions & { readonly files: BoundedFiles }, release: () => void) {
    this.#options = options
    this.#files = options.files
    this.#logger = options.logger
    this.#release = release
    const { dataDir, files, clock } = options
    const indexes = new IndexCache(indexCacheBytes)
    this.#context = { dataDir, files, indexes, clock, journal: () => this.#openJournal }
  }

  get dataDir(): string {
    return this.#options.dataDir
  }

  diskSpace(): Promise<{ readonly totalBytes: number; readonly usableBytes: number }> {
    return this.#files.space(this.#options.dataDir)
  }

  get failure(): Promise<Error> {
    return this.#openJournal.failure
  }

  async recover(): Promise<void> {
    const { dataDir, checkpointBytes = defaultCheckpointBytes } = this.#options
    const recovered = await recoverFiles(this.#files, dataDir)
    const deleted = recovered.deletedTopics
    for (const { info, partitions } of recovered.checkpoint.topics) {
      if (!deleted.has(info.id)) this.#add(openTopicLogs(this.#context, info, partitions))
    }
    for (const partition of this.#partitions()) restoreSegments(this.#files, partition)
    // Before the replay, because batches from the journal are already checked by the frames' checksums.
    await verifyEnds([...this.#partitions()])
    this.#producerIds = { next: recovered.checkpoint.nextProducerId, limit: recovered.checkpoint.nextProducerId }
    for (const entry of recovered.entries()) this.#replay(entry, deleted)
    this.#producerIds.next = this.#producerIds.limit // Any id below may have been given out.
    this.#removeUnknownTopics()
    const generation = recovered.lastGeneration + 1
    const checkpointer = { capture: () => this.#capture() }
    this.#journal = openJournal({ files: this.#files, folder: dataDir, generation, checkpointBytes, checkpointer })
    if (recovered.tornBytes > 0) {
      this.#logger.warn({ tornBytes: recovered.tornBytes }, 'cut off the torn end of the journal')
    }
    if (!recovered.isEmpty) this.#checkpointSoon()
    this.#startMaintenance()
  }

  topics(): readonly TopicInfo[] {
    const infos = [...this.#byName.values()].map((topic) => topic.info)
    return infos.sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  topic(name: string): TopicInfo | undefined {
    return this.#byName.get(name)?.info
  }

  topicById(id: string): TopicInfo | undefined {
    return this.#byId.get(id)?.info
  }

  partition(topic: string, index: number): Partition | undefined {
    return this.#byName.get(topic)?.partitions[index]
  }

  checkNewTopic(topic: NewTopic): void {
    checkTopicName(topic.name)
    if (this.#byName.has(topic.name) || this.#creating.has(topic.name)) {
      throw new ApiError(errors.TOPIC_ALREADY_EXISTS, `Topic ${topic.name} exists already`)
    }
    checkPartitionCount(topic.partitions, 1)
    checkTopicConfig(topic.config ?? {})
  }

  async createTopic(topic: NewTopic): Promise<TopicInfo> {
    this.checkNewTopic(topic)
    const { name, partitions, config = {} } = topic
    const info: TopicInfo = { name, id: randomUUID(), partitions, config, internal: isInternalTopic(name) }
    const created = this.#commit({ kind: 'topic', topic: info })
      .finally(() => this.#creating.delete(name))
      .then(() => info)
    this.#creating.set(name, created)
    return created
  }

  creating(name: string): Promise<TopicInfo> | undefined {
    return this.#creating.get(name)
  }

  async deleteTopic(name: string): Promise<void> {
    await this.#commit({ kind: 'topic-deleted', topicId: this.#existing(name).info.id })
  }

  async createPartitions(name: string, total: number): Promise<TopicInfo> {
    const { info } = this.#existing(name)
    checkPartitionCount(total, info.partitions + 1)
    return this.#change({ ...info, partitions: total })
  }

  async setTopicConfig(name: string, config: Readonly<Record<string, string>>): Promise<TopicInfo> {
    const { info } = this.#existing(name)
    checkTopicConfig(config)
    return this.#change({ ...info, config: { ...config } })
  }

  async nextProducerId(): Promise<number> {
    while (this.#producerIds.next >= this.#producerIds.limit) {
      this.#reserving ??= this.#commit({
        kind: 'producer-ids',
        next: this.#producerIds.limit + producerIdBlock,
      }).finally(() => {
        this.#reserving = undefined
      })
      await this.#reserving
    }
    return this.#producerIds.next++
  }

  maintain(): Promise<MaintenanceReport> {
    const round = this.#maintenance.then(() =>
      maintainPartitions({
        partitions: [...this.#partitions()],
        now: this.#options.clock.now(),
        files: this.#files,
        logger: this.#logger,
        maxKeys: this.#options.compactionMaxKeys ?? defaultCompactionMaxKeys,
        checkpoint: () => this.#openJournal.checkpoint(),
      }),
    )
    this.#maintenance = round.catch(() => undefined)
    return round
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    clearInterval(this.#timer)
    const journal = this.#openJournal
    try {
      await this.#maintenance
      if (!journal.failed) await journal.checkpoint()
    } finally {
      await journal.close()
      for (const partition of this.#partitions()) partition.closeFiles()
      this.#release()
    }
  }

  get #openJournal(): Journal {
    if (this.#journal === undefined) throw new ApiError(errors.KAFKA_STORAGE_ERROR, 'The log is not recovered yet')
    return this.#journal
  }

  *#partitions(): Generator<LogPartition> {
    for (const topic of this.#byName.values()) yield* topic.partitions
  }

  #existing(name: string): TopicLogs {
    const topic = this.#byName.get(name)
    if (topic === undefined) throw new ApiError(errors.UNKNOWN_TOPIC_OR_PARTITION, `There is no topic ${name}`)
    return topic
  }

  async #change(info: TopicInfo): Promise<TopicInfo> {
    await this.#commit({ kind: 'topic', topic: info })
    return info
  }

  /** The change is visible when it is durable. */
  async #commit(entry: JournalEntry): Promise<void> {
    const journal = this.#openJournal
    journal.checkAccepts()
    await new Promise<void>((resolve, reject) => {
      journal.commit(entry, {
        durable: () => {
          this.#apply(entry)
          resolve()
        },
        failed: reject,
      })
    })
  }

  #replay(entry: JournalEntry, deleted: ReadonlySet<string>): void {
    if (entry.kind === 'topic' && deleted.has(entry.topic.id)) return
    if (entry.kind === 'append') {
      const partition = this.#byId.get(entry.topicId)?.partitions[entry.partition]
      if (partition) replayBatch(partition, entry.batch)
    } else {
      this.#apply(entry)
    }
  }

  #apply(entry: JournalEntry): void {
    switch (entry.kind) {
      case 'append':
        return
      case 'log-start':
        this.#byId.get(entry.topicId)?.partitions[entry.partition]?.advanceLogStart(entry.offset)
        return
      case 'producer-ids':
        this.#producerIds = { next: this.#producerIds.limit, limit: entry.next }
        return
      case 'topic': {
        const known = this.#byId.get(entry.topic.id)
        if (known) changeTopicLogs(this.#context, known, entry.topic)
        else this.#add(openTopicLogs(this.#context, entry.topic))
        return
      }
      case 'topic-deleted':
        this.#remove(entry.topicId)
    }
  }

  #add(topic: TopicLogs): void {
    this.#byName.set(topic.info.name, topic)
    this.#byId.set(topic.info.id, topic)
  }

  #remove(topicId: string): void {
    const topic = this.#byId.get(topicId)
    if (topic === undefined) return
    this.#byId.delete(topicId)
    if (this.#byName.get(topic.info.name) === topic) this.#byName.delete(topic.info.name)
    for (const partition of topic.partitions) partition.markDeleted()
    this.#files.removeFolder(topic.folder)
  }

  /** Folders of topics whose deletion was durable when the process ended before it removed the files. */
  #removeUnknownTopics(): void {
    const known = new Set([...this.#byId.values()].map((topic) => topic.folder))
    for (const name of this.#files.list(join(this.#options.dataDir, 'topics'))) {
      const folder = join(this.#options.dataDir, 'topics', name)
      if (!known.has(folder) && /\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(name))
        this.#files.removeFolder(folder)
    }
  }

  #capture(): CapturedCheckpoint {
    const early = new Map([...this.#partitions()].map((partition) => [partition, earlyStateOf(partition)]))
    let topics: { info: TopicInfo; partitions: FrozenPartition[] }[] = []
    let dirty: Segment[] = []
    let indexes: ReturnType<LogPartition['freezeIndexes']> = []
    let named: LogPartition[] = []
    let nextProducerId = 0
    return {
      freeze: () => {
        topics = [...this.#byName.values()].map(({ info, partitions }) => ({
          info,
          partitions: partitions.map((partition) => frozenOf(partition, early.get(partition))),
        }))
        indexes = [...this.#partitions()].flatMap((partition) => partition.freezeIndexes())
        named = [...this.#partitions()].filter((partition) => partition.hasNewNames)
        for (const partition of named) partition.hasNewNames = false
        dirty = [...this.#partitions()].flatMap((partition) => partition.segments.filter((segment) => segment.dirty))
        nextProducerId = this.#producerIds.limit
      },
      save: async (journal) => {
        await syncSegments(dirty)
        for (const { segment, frozen } of indexes) await segment.saveIndex(frozen)
        await this.#syncFolders(named)
        const states = topics.map(({ info, partitions }) => ({ info, partitions: partitions.map(stateOf) }))
        const state = { version: 2, journal, nextProducerId, topics: states } as const
        await saveCheckpoint(this.#files, this.#options.dataDir, state)
        removeJournalsBefore(this.#files, this.#options.dataDir, journal)
        for (const partition of this.#partitions()) {
          for (const segment of partition.segments.slice(0, -1)) segment.rest()
        }
      },
    }
  }

  /** Makes the names of new segments and folders durable. */
  async #syncFolders(named: readonly LogPartition[]): Promise<void> {
    if (named.length === 0) return
    const topics = join(this.#options.dataDir, 'topics')
    const folders = named.flatMap(({ folder }) => [dirname(folder), folder])
    for (const folder of new Set([topics, ...folders])) {
      if (this.#files.list(folder).length > 0) await this.#files.syncFolder(folder)
    }
  }

  #checkpointSoon(): void {
    this.#openJournal.checkpoint().catch((error: unknown) => this.#logger.error({ error }, 'the checkpoint failed'))
  }

  #startMaintenance(): void {
    const intervalMs = this.#options.maintenanceIntervalMs ?? defaultMaintenanceIntervalMs
    if (intervalMs === 0) return
    this.#timer = setInterval(() => {
      this.maintain().catch((error: unknown) => this.#logger.error({ error }, 'retention and compaction failed'))
    }, intervalMs)
    this.#timer.unref()
  }
}

type EarlyState = Pick<PartitionState, 'nextOffset' | 'producers'>

function earlyStateOf(partition: LogPartition): EarlyState {
  return { nextOffset: partition.logEndOffset, producers: partition.producers.snapshot() }
}

/** The checkpoint's data about segments: their captured state, with the states of the indexes as they are saved now. */
type FrozenPartition = Omit<PartitionState, 'segments'> & {
  readonly segments: readonly { readonly segment: Segment; readonly state: SegmentState }[]
}

function frozenOf(partition: LogPartition, early: EarlyState | undefined): FrozenPartition {
  return {
    // Without an early state the topic became durable with the cut: it has no records yet.
    ...(early ?? { nextOffset: 0, producers: [] }),
    logStartOffset: partition.logStartOffset,
    segments: partition.segments.map((segment) => ({ segment, state: segment.state() })),
    compactedTo: partition.compactedTo,
  }
}

function stateOf(frozen: FrozenPartition): PartitionState {
  const segments = frozen.segments.map(({ segment, state }) => ({ ...state, index: segment.indexState }))
  return { ...frozen, segments }
}

async function syncSegments(segments: readonly Segment[]): Promise<void> {
  for (const segment of segments) await segment.sync()
}

function checkPartitionCount(count: number, atLeast: number): void {
  if (Number.isSafeInteger(count) && count >= atLeast && count <= maxPartitions) return
  throw new ApiError(errors.INVALID_PARTITIONS, `${count} partitions: from ${atLeast} to ${maxPartitions} are possible`)
}
