/** The log over the Kafka protocol, with the interface that the runtime needs: a thin layer over the client. */
import {
  AbortableError,
  BrokerError,
  type Cluster,
  endTransactionOf,
  keyOf,
  type ListedOffset,
  OffsetOutOfRangeError,
  openAdmin,
  openGroup,
  openReader,
  openTransactionalProducer,
} from '@streampay/kafka'
import { StreamsError } from '../errors.ts'
import type { LogGroup, LogGroupOptions, LogReader, LogReaderOptions, StreamLog } from './stream-log.ts'

/** Short, because a resumed partition joins the fetch under way only if a slot is free. */
const fetchWaitMs = 200

/** A member notices a rebalance with the next heartbeat: the others may have to wait this long for it. */
const heartbeatIntervalMs = 300

/** The log's errors for a member whose generation has ended. */
const outOfGeneration: ReadonlySet<string> = new Set([
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
  'REBALANCE_IN_PROGRESS',
  'FENCED_INSTANCE_ID',
])

export function kafkaLog(cluster: Cluster): StreamLog {
  const admin = openAdmin(cluster)
  return {
    async partitionCounts(topics) {
      const found = await admin.describeTopics(topics)
      return new Map(found.map((topic) => [topic.name, topic.partitions.length]))
    },
    async topicIds(topics) {
      const found = await admin.describeTopics(topics)
      return new Map(found.map((topic) => [topic.name, topic.topicId]))
    },
    async offsets(partitions, which) {
      if (partitions.length === 0) return new Map()
      const spec = which === 'start' ? 'earliest' : 'latest'
      const isolation = which === 'stable-end' ? 'read_committed' : 'read_uncommitted'
      return offsetsByKey(await admin.listOffsets(partitions, spec, isolation))
    },
    committed: (groupId, partitions, options) => admin.committedOffsets(groupId, partitions, options),
    async claim(metadata, offsets) {
      try {
        await admin.commitOffsets(metadata, offsets)
        return true
      } catch (error) {
        if (error instanceof BrokerError && outOfGeneration.has(error.brokerError)) return false
        throw error
      }
    },
    async liveInstances(groupId) {
      const groups = await admin.describeGroups([groupId])
      const ids = groups.flatMap((group) => group.members.map((member) => member.groupInstanceId))
      return new Set(ids.filter((id) => id !== null))
    },
    endTransactionOf: (transactionalId) => endTransactionOf(cluster, transactionalId),
    deleteRecords: (records) => admin.deleteRecords(records),
    async openProducer({ transactionalId, timeoutMs }) {
      const producer = await openTransactionalProducer(cluster, { transactionalId, transactionTimeoutMs: timeoutMs })
      return {
        begin: () => producer.begin(),
        send: (records) => producer.send(records),
        sendOffsets: (metadata, offsets) => producer.sendOffsets(metadata, offsets),
        commit: () => producer.commit(),
        abort: () => producer.abort(),
        mayAbort: (error) => error instanceof AbortableError,
        close: () => producer.close(),
      }
    },
    openReader: (options) => readerOf(cluster, options),
    joinGroup: (options) => joinGroup(cluster, options),
  }
}

function offsetsByKey(listed: readonly ListedOffset[]): Map<string, number> {
  return new Map(listed.map((at) => [keyOf(at), at.offset]))
}

function readerOf(cluster: Cluster, options: LogReaderOptions = {}): LogReader {
  const reader = openReader(cluster, { isolation: 'read_committed', maxWaitMs: fetchWaitMs, ...options })
  return {
    assign: (positions) => reader.assign(positions),
    pause: (partitions) => reader.pause(partitions),
    resume: (partitions) => reader.resume(partitions),
    close: () => reader.close(),
    async poll() {
      try {
        return await reader.poll()
      } catch (error) {
        if (error instanceof OffsetOutOfRangeError) throw new StreamsError('STREAMS_INPUT_GAP', error.message, error)
        throw error
      }
    },
  }
}

function joinGroup(cluster: Cluster, { onFailed, ...options }: LogGroupOptions): LogGroup {
  const group = openGroup(cluster, { ...options, heartbeatIntervalMs })
  group.done.catch(onFailed)
  return group
}
