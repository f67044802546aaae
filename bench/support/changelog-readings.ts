/**
 * Ways to read the changelogs of the payments topology from their beginnings to their ends, each in a process of its own:
 *
 *     node bench/support/changelog-readings.ts <bytes|records|restoration> <host:port,…>
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Cluster, openAdmin, openCluster, openReader, type TopicPartition } from '@streampay/kafka'
import { apis, batchesOf, verifyCrc } from '@streampay/kafka/wire'
import { paymentsTopology } from '@streampay/payments'
import { nodeFlagsOfPayments } from '../../apps/streampay/src/services.ts'
import { kafkaLog } from '../../packages/streams/src/kafka-log.ts'
import { Replica } from '../../packages/streams/src/replica.ts'
import { readChangelogs } from '../../packages/streams/src/restoration-reading.ts'
import { systemClock } from '../../packages/streams/src/stream-clock.ts'
import { Task } from '../../packages/streams/src/task.ts'

export const readings = ['bytes', 'records', 'restoration'] as const
export type Reading = (typeof readings)[number]
export type ReadingResult = {
  readonly records: number
  readonly seconds: number
  readonly perSecond: number
  readonly perCoreSecond: number
  /** The longest time that the event loop was held up. */
  readonly longestStallMs: number
  readonly heapMegabytes: number
}

const partitionCount = 4
/** Of Fetch: later ones want topic ids. */
const lastVersionByName = 12
const self = fileURLToPath(import.meta.url)

export async function measureInOwnProcess(reading: Reading, brokers: string): Promise<ReadingResult> {
  const args = [...nodeFlagsOfPayments, ...(process.env.BENCH_NODE_FLAGS?.split(' ') ?? []), self, reading, brokers]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  return JSON.parse(stdout) as ReadingResult
}

function replicasOf(): Replica[] {
  const topology = paymentsTopology()
  const tables = new Map()
  return Array.from({ length: partitionCount }, (_, task) => {
    return new Replica(new Task({ topology, task, partitionCount, tables, maxRecordBytes: 1_000_000 }), topology)
  })
}

async function measure(cluster: Cluster, reading: Reading): Promise<ReadingResult> {
  await cluster.ready()
  const replicas = replicasOf()
  const partitions = replicas.flatMap((replica) => replica.partitions())
  const stall = watchStalls()
  const before = { at: performance.now(), cpu: process.cpuUsage() }
  const records = await read(cluster, { reading, partitions, replicas })
  const seconds = (performance.now() - before.at) / 1_000
  const { user, system } = process.cpuUsage(before.cpu)
  return {
    records,
    seconds: Math.round(seconds * 100) / 100,
    perSecond: Math.round(records / seconds),
    perCoreSecond: Math.round(records / ((user + system) / 1e6)),
    longestStallMs: stall(),
    heapMegabytes: Math.round(process.memoryUsage().heapUsed / 1024 / 1024),
  }
}

type Question = {
  readonly reading: Reading
  readonly partitions: readonly TopicPartition[]
  readonly replicas: readonly Replica[]
}

async function read(cluster: Cluster, { reading, partitions, replicas }: Question): Promise<number> {
  if (reading === 'bytes') return await readBytes(cluster, partitions)
  if (reading === 'records') return await readRecords(cluster, partitions)
  let records = 0
  await readChangelogs({
    replicas,
    log: kafkaLog(cluster),
    logger: { info: () => undefined, warn: () => undefined },
    stallTimeoutMs: 60_000,
    maxReplicaAgeMs: 3_600_000,
    signal: new AbortController().signal,
    clock: systemClock,
    onProgress: (more) => {
      records += more
    },
  })
  return records
}

async function readRecords(cluster: Cluster, partitions: readonly TopicPartition[]): Promise<number> {
  const reader = openReader(cluster, { maxBytes: 16 * 1024 * 1024 })
  reader.assign(partitions.map((at) => ({ ...at, offset: 0 })))
  const behind = await endsOf(cluster, partitions)
  let records = 0
  while (behind.size > 0) {
    for (const fetched of await reader.poll()) {
      records += fetched.records.length
      const key = `${fetched.topic}/${fetched.partition}`
      if (fetched.position >= (behind.get(key) ?? 0)) behind.delete(key)
    }
  }
  await reader.close()
  return records
}

/** One request after the other, each for all that is missing. */
async function readBytes(cluster: Cluster, partitions: readonly TopicPartition[]): Promise<number> {
  const behind = await endsOf(cluster, partitions)
  const positions = new Map<string, number>(partitions.map(({ topic, partition }) => [`${topic}/${partition}`, 0]))
  const [nodeId = 1] = await cluster.nodes()
  const lane = cluster.openLane()
  let records = 0
  while (behind.size > 0) {
    const missing = partitions.filter(({ topic, partition }) => behind.has(`${topic}/${partition}`))
    const question = {
      maxWaitMs: 500,
      minBytes: 1,
      maxBytes: 16 * 1024 * 1024,
      isolationLevel: 1,
      topics: [...Map.groupBy(missing, ({ topic }) => topic)].map(([topic, members]) => ({
        topic,
        partitions: members.map(({ partition }) => ({
          partition,
          fetchOffset: positions.get(`${topic}/${partition}`) ?? 0,
          partitionMaxBytes: 4 * 1024 * 1024,
        })),
      })),
    }
    const answer = await lane.request(nodeId, apis.fetch, question, lastVersionByName)
    for (const { topic, partitions: parts } of answer.responses) {
      for (const part of parts) {
        const key = `${topic}/${part.partitionIndex}`
        if (part.errorCode !== 0) throw new Error(`fetching ${key} failed with ${part.errorCode}`)
        for (const { header, bytes } of batchesOf(part.records ?? Buffer.alloc(0))) {
          if (!verifyCrc(bytes)) throw new Error(`a batch of ${key} is corrupt`)
          if (!header.isControl) records += header.recordCount
          positions.set(key, header.lastOffset + 1)
        }
        if ((positions.get(key) ?? 0) >= (behind.get(key) ?? 0)) behind.delete(key)
      }
    }
  }
  return records
}

async function endsOf(cluster: Cluster, partitions: readonly TopicPartition[]): Promise<Map<string, number>> {
  const ends = await openAdmin(cluster).listOffsets(partitions, 'latest')
  return new Map(ends.filter(({ offset }) => offset > 0).map((at) => [`${at.topic}/${at.partition}`, at.offset]))
}

function watchStalls(): () => number {
  let longest = 0
  let last = performance.now()
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last - 5)
    last = performance.now()
  }, 5)
  return () => {
    clearInterval(timer)
    return Math.round(Math.max(longest, performance.now() - last - 5))
  }
}

if (process.argv[1] === self) {
  const [, , reading, brokers = ''] = process.argv
  const wanted = readings.find((one) => one === reading)
  if (wanted === undefined) throw new Error(`there is no reading ${reading}`)
  const cluster = openCluster({ brokers: brokers.split(','), clientId: 'bench' })
  console.log(JSON.stringify(await measure(cluster, wanted)))
  await cluster.close()
}
