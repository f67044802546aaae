/**
 * The log of one data folder: topics with their partitions, one journal for all of them, and checkpoints.
 *
 *     <data folder>/lock, holder        folder-lock.ts
 *                  /journal-0000000007  journal.ts: what was written since the checkpoint
 *                  /checkpoint          checkpoint.ts: topics, segments, producers, aborted transactions
 *                  /topics/<name>.<id>/<partition>/<base offset>.log   segment.ts: record batches
 *
 * Topics, their configuration, log starts and producer ids change through the journal too, in one order with the
 * records: one sync makes all of it durable, and recovery sees what was acknowledged.
 */

import { randomUUID } from 'node:crypto'
import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { errors } from '@streampay/kafka/wire'
import { checkTopicConfig } from '../topics/topic-config.ts'
import { checkTopicName, isInternalTopic } from '../topics/topic-name.ts'
import { BrokerError } from './broker-error.ts'
import { saveCheckpoint } from './checkpoint.ts'
import { type Files, nodeFiles } from './files.ts'
import { lockFolder } from './folder-lock.ts'
import { type CapturedCheckpoint, type Journal, openJournal } from './journal.ts'
import type { JournalEntry } from './journal-format.ts'
import { maintainPartitions } from './maintenance.ts'
import type { LogPartition, PartitionState } from './partition.ts'
import { recoverFiles, removeJournalsBefore, replayBatch, restoreSegments } from './recovery.ts'
import type { Segment } from './segment.ts'
import { changeTopicLogs, type LogContext, openTopicLogs, type TopicLogs, topicFolder } from './topic-logs.ts'
import type {
  MaintenanceReport,
  NewTopic,
  Partition,
  Storage,
  StorageLogger,
  StorageOptions,
  TopicInfo,
} from './types.ts'
import { verifyNewest } from './verify-newest.ts'

const defaultCheckpointBytes = 16 * 1024 * 1024
const defaultMaintenanceIntervalMs = 30_000
/** One journal entry covers so many producer ids; what is left of a block is lost with the process, as in Kafka. */
const producerIdBlock = 1000
/** Kafka's own limit is memory; this one keeps a typing error from making a million folders. */
const maxPartitions = 10_000

/**
 * Takes the folder's lock and recovers the log.
 * @throws FolderLockedError, BrokenLogError, or the system's error when the folder cannot be used
 */
export async function openStorage(options: StorageOptions): Promise<Storage> {
  const files = options.files ?? nodeFiles
  files.makeFolder(join(options.dataDir, 'topics'))
  const lock = lockFolder(options.dataDir, files)
  try {
    const storage = new LogStorage({ ...options, files }, () => lock.release())
    await storage.recover()
    return storage
  } catch (error) {
    lock.release()
    throw error
  }
}

class LogStorage implements Storage {
  readonly #options: StorageOptions
  readonly #files: Files
  readonly #logger: StorageLogger
  readonly #release: () => void
  readonly #context: LogContext
  readonly #byName = new Map<string, TopicLogs>()
  readonly #byId = new Map<string, TopicLogs>()
  /** Names of topics whose creation is not durable yet. */
  readonly #creating = new Set<string>()
  #journal: Journal | undefined
  /** Ids from `next` up to `limit` are reserved in the journal. */
  #producerIds = { next: 0, limit: 0 }
  #reserving: Promise<void> | undefined
  #maintenance: Promise<unknown> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined
  #closing: Promise<void> | undefined

  constructor(options: StorageOptions & { readonly files: Files }, release: () => void) {
    this.#options = options
    this.#files = options.files
    this.#logger = options.logger
    this.#release = release
    const { dataDir, files, clock } = options
    this.#context = { dataDir, files, clock, journal: () => this.#openJournal }
  }

  get dataDir(): string {
    return this.#options.dataDir
  }

  async diskSpace(): Promise<{ totalBytes: number; usableBytes: number }> {
    const { bsize, blocks, bavail } = await statfs(this.#options.dataDir)
    return { totalBytes: bsize * blocks, usableBytes: bsize * bavail }
  }

  get failure(): Promise<Error> {
    return this.#openJournal.failure
  }

  async recover(): Promise<void> {
    const { dataDir, checkpointBytes = defaultCheckpointBytes } = this.#options
    const recovered = await recoverFiles(this.#files, dataDir)
    const deleted = new Set(recovered.entries.flatMap((entry) => (entry.kind === 'topic-deleted' ? entry.topicId : [])))
    for (const { info, partitions } of recovered.checkpoint.topics) {
      if (!deleted.has(info.id)) this.#add(openTopicLogs(this.#context, info, partitions))
    }
    for (const partition of this.#partitions()) restoreSegments(this.#files, partition)
    // Before the replay: what comes from the journal was checked there.
    await verifyNewest([...this.#partitions()])
    this.#producerIds = { next: recovered.checkpoint.nextProducerId, limit: recovered.checkpoint.nextProducerId }
    for (const entry of recovered.entries) this.#replay(entry, deleted)
    this.#producerIds.next = this.#producerIds.limit // Any id below may have been given out.
    this.#removeUnknownTopics()
    const generation = recovered.lastGeneration + 1
    const checkpointer = { capture: () => this.#capture() }
    this.#journal = openJournal({ files: this.#files, folder: dataDir, generation, checkpointBytes, checkpointer })
    if (recovered.tornBytes > 0) {
      this.#logger.warn({ tornBytes: recovered.tornBytes }, 'cut off the torn end of the journal')
    }
    if (recovered.entries.length > 0) this.#checkpointSoon()
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
      throw new BrokerError(errors.TOPIC_ALREADY_EXISTS, `Topic ${topic.name} exists already`)
    }
    checkPartitionCount(topic.partitions, 1)
    checkTopicConfig(topic.config ?? {})
  }

  async createTopic(topic: NewTopic): Promise<TopicInfo> {
    this.checkNewTopic(topic)
    const { name, partitions, config = {} } = topic
    const info: TopicInfo = { name, id: randomUUID(), partitions, config, internal: isInternalTopic(name) }
    this.#creating.add(name)
    try {
      await this.#commit({ kind: 'topic', topic: info })
    } finally {
      this.#creating.delete(name)
    }
    return info
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
    if (this.#journal === undefined) throw new BrokerError(errors.KAFKA_STORAGE_ERROR, 'The log is not recovered yet')
    return this.#journal
  }

  *#partitions(): Generator<LogPartition> {
    for (const topic of this.#byName.values()) yield* topic.partitions
  }

  #existing(name: string): TopicLogs {
    const topic = this.#byName.get(name)
    if (topic === undefined) throw new BrokerError(errors.UNKNOWN_TOPIC_OR_PARTITION, `There is no topic ${name}`)
    return topic
  }

  async #change(info: TopicInfo): Promise<TopicInfo> {
    await this.#commit({ kind: 'topic', topic: info })
    return info
  }

  /** The change shows when it is durable. */
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
    let topics: { info: TopicInfo; partitions: PartitionState[] }[] = []
    let dirty: Segment[] = []
    let nextProducerId = 0
    return {
      freeze: () => {
        topics = [...this.#byName.values()].map(({ info, partitions }) => ({
          info,
          partitions: partitions.map((partition) => stateOf(partition, early.get(partition))),
        }))
        dirty = [...this.#partitions()].flatMap((partition) => partition.segments.filter((segment) => segment.dirty))
        nextProducerId = this.#producerIds.limit
      },
      save: async (journal) => {
        await syncSegments(dirty)
        await this.#syncFolders()
        await saveCheckpoint(this.#files, this.#options.dataDir, { version: 1, journal, nextProducerId, topics })
        removeJournalsBefore(this.#files, this.#options.dataDir, journal)
        for (const partition of this.#partitions()) {
          for (const segment of partition.segments.slice(0, -1)) segment.rest()
        }
      },
    }
  }

  /** Makes the names of new segments and folders durable. */
  async #syncFolders(): Promise<void> {
    const folders = [join(this.#options.dataDir, 'topics')]
    for (const topic of this.#byName.values()) {
      folders.push(topicFolder(this.#options.dataDir, topic.info), ...topic.partitions.map(({ folder }) => folder))
    }
    for (const folder of folders) {
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

function stateOf(partition: LogPartition, early: EarlyState | undefined): PartitionState {
  // Without an early state the topic became durable with the cut: nothing was written to it yet.
  const { nextOffset, producers } = early ?? { nextOffset: 0, producers: [] }
  return {
    nextOffset,
    producers,
    // As of now, with the segments: compaction drops an abort marker and its transaction together, and a transaction
    // that is told as aborted without a marker would hide its producer's later records.
    aborted: partition.transactions.aborted().filter((range) => range.lastOffset < nextOffset),
    logStartOffset: partition.logStartOffset,
    segments: partition.segments.map((segment) => segment.state()),
    compactedTo: partition.compactedTo,
  }
}

async function syncSegments(segments: readonly Segment[]): Promise<void> {
  for (const segment of segments) await segment.sync()
}

function checkPartitionCount(count: number, atLeast: number): void {
  if (Number.isSafeInteger(count) && count >= atLeast && count <= maxPartitions) return
  throw new BrokerError(
    errors.INVALID_PARTITIONS,
    `${count} partitions: from ${atLeast} to ${maxPartitions} are possible`,
  )
}
