/**
 * What is committed on a topic, by the markers in the log itself: everything is read, and the records of a transaction count once its
 * commit marker is read. The reader of packages/kafka uses the broker's list of aborted transactions instead, so a fault of either shows as
 * a difference between what services saw and what is found here.
 */
import type { Cluster } from '@streampay/kafka'
import { apis, batchesOf, decodeControlRecord, decodeRecords, errors, verifyCrc } from '@streampay/kafka/wire'

export type LogRecord = {
  readonly partition: number
  readonly offset: number
  readonly key: string
  /** Null for a tombstone. */
  readonly value: string | null
}

export type TopicContents = {
  /** By partition, in offset order. */
  readonly records: readonly (readonly LogRecord[])[]
  /** The end offset of each partition: after control batches, too. */
  readonly ends: readonly number[]
}

export type Batches = { readonly bytes: Buffer; readonly highWatermark: number }

const maxBytes = 8 * 1024 * 1024
const requestTimeoutMs = 30_000
/** The leader may be changing just now. */
const maxAttempts = 20
const retryMs = 500
/** Fetches by topic name end here. */
const lastVersionByName = 12

/** @throws Error if a partition can't be read to its present high watermark, or a transaction is still open below it */
export async function readCommitted(cluster: Cluster, topic: string): Promise<TopicContents> {
  const { partitions } = await cluster.topic(topic)
  const read = await Promise.all(
    partitions.map(async ({ partition }) => {
      const fold = new MarkerFold(partition)
      const start = await logStart(cluster, topic, partition)
      for (let offset = start, end = Number.POSITIVE_INFINITY; offset < end; offset = fold.position) {
        const fetched = await fetch(cluster, { topic, partition, offset })
        end = Math.min(end, fetched.highWatermark)
        fold.add(fetched.bytes, offset)
      }
      return fold.finish(topic)
    }),
  )
  return { records: read.map(({ records }) => records), ends: read.map(({ end }) => end) }
}

/** Gathers the records of one partition, batch by batch. */
export class MarkerFold {
  position = 0
  readonly #partition: number
  readonly #committed: LogRecord[] = []
  /** By producer: the records of its open transaction. */
  readonly #pending = new Map<number, LogRecord[]>()

  constructor(partition: number) {
    this.#partition = partition
  }

  /** Takes complete batches; those that end before `offset` were read before. */
  add(bytes: Buffer, offset: number): void {
    this.position = offset
    for (const batch of batchesOf(bytes)) {
      const { header } = batch
      if (header.lastOffset < offset) continue
      if (!verifyCrc(batch.bytes)) throw new Error(`the batch at ${header.baseOffset} has a wrong checksum`)
      const decoded = decodeRecords(batch.bytes)
      this.position = header.lastOffset + 1
      if (header.isControl) {
        const [marker] = decoded
        if (marker !== undefined) this.#end(header.producerId, decodeControlRecord(marker).type)
        continue
      }
      const records = decoded.map((record) => ({
        partition: this.#partition,
        offset: record.offset,
        key: record.key?.toString('utf8') ?? '',
        value: record.value?.toString('utf8') ?? null,
      }))
      if (header.isTransactional) {
        const pending = this.#pending.get(header.producerId)
        if (pending === undefined) this.#pending.set(header.producerId, records)
        else pending.push(...records)
      } else this.#committed.push(...records)
    }
  }

  finish(topic: string): { records: LogRecord[]; end: number } {
    const open = [...this.#pending].find(([, records]) => records.length > 0)
    if (open !== undefined) {
      throw new Error(`${topic}-${this.#partition}: the transaction of producer ${open[0]} has no marker yet`)
    }
    return { records: this.#committed.sort((left, right) => left.offset - right.offset), end: this.position }
  }

  #end(producerId: number, how: 'commit' | 'abort' | 'other'): void {
    if (how === 'other') return
    if (how === 'commit') this.#committed.push(...(this.#pending.get(producerId) ?? []))
    this.#pending.delete(producerId)
  }
}

type Place = { readonly topic: string; readonly partition: number; readonly offset: number }

async function fetch(cluster: Cluster, { topic, partition, offset }: Place): Promise<Batches> {
  const what = `${topic}-${partition}@${offset}`
  const answer = await asked(cluster, { topic, partition, what }, async (leader) => {
    const connections = cluster.openConnections({ requestTimeoutMs })
    try {
      const request = {
        maxWaitMs: 0,
        minBytes: 0,
        maxBytes,
        isolationLevel: 0,
        topics: [{ topic, partitions: [{ partition, fetchOffset: offset, partitionMaxBytes: maxBytes }] }],
      }
      const response = await connections.request(leader, apis.fetch, request, lastVersionByName)
      const part = response.responses[0]?.partitions[0]
      if (part === undefined || part.errorCode !== errors.NONE) throw new Error(`${what}: error ${part?.errorCode}`)
      if (part.highWatermark > offset && !part.records?.length) throw new Error(`${what}: nothing came`)
      return part
    } finally {
      await cluster.closeConnections(connections)
    }
  })
  return { bytes: answer.records ?? Buffer.alloc(0), highWatermark: answer.highWatermark }
}

async function logStart(cluster: Cluster, topic: string, partition: number): Promise<number> {
  const what = `the start of ${topic}-${partition}`
  return asked(cluster, { topic, partition, what }, async (leader) => {
    const request = {
      replicaId: -1,
      topics: [{ name: topic, partitions: [{ partitionIndex: partition, timestamp: -2 }] }],
    }
    const response = await cluster.broker(leader, apis.listOffsets, request)
    const part = response.topics[0]?.partitions[0]
    if (part === undefined || part.errorCode !== errors.NONE) throw new Error(`${what}: error ${part?.errorCode}`)
    return part.offset
  })
}

type Asked = { readonly topic: string; readonly partition: number; readonly what: string }

async function asked<T>(
  cluster: Cluster,
  { topic, partition, what }: Asked,
  ask: (leader: number) => Promise<T>,
): Promise<T> {
  let failure: unknown
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    try {
      return await ask(cluster.leaderOf(topic, partition) ?? -1)
    } catch (error) {
      failure = error
      await new Promise((resolve) => setTimeout(resolve, retryMs))
      await cluster.refresh([topic]).catch(() => undefined)
    }
  }
  throw new Error(`${what} can't be read`, { cause: failure })
}
