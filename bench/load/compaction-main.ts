/**
 * A process that overwrites keys in a log and compacts it meanwhile: eight writers, `rate` records of about 130 bytes a second
 * in all, in transactions of 50 records. Half of them overwrite keys at random in a topic of 4 partitions; another topic of 4
 * partitions with `compact,delete` gets the rest, with keys that are always new, and keeps a minute of them.
 *
 *     compaction-main.ts <folder> <keys> <rate>
 *
 * Tells every 10 s what it did; goes on until it is ended.
 */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { encodeBatch } from '@streampay/kafka/wire'
import { openStorage, type Storage } from '../../packages/broker/src/log/index.ts'
import { percentile } from '../harness/spread.ts'
import type { CompactionSample } from './compaction-sample.ts'

const [, , dataDir = '', keysText, rateText] = process.argv
const [keys, rate] = [Number(keysText), Number(rateText)]
const partitions = 4
const writers = 8
const recordsOfBatch = 50
const reportEveryMs = 10_000
const value = Buffer.alloc(100, 'state ')
const none = () => undefined
const logger = {
  debug: none,
  info: none,
  warn: none,
  error: (details: object, text: string) => console.error(text, details),
}
const clock = { now: () => Date.now() }
let latencies: number[] = []
let written = 0
let isEnding = false
let before = performance.now()

process.once('SIGTERM', () => {
  isEnding = true
})
process.once('disconnect', () => process.exit(1))

const storage = await openStorage({ dataDir, logger, clock, maintenanceIntervalMs: 10_000 })
const compacted = { 'cleanup.policy': 'compact', 'delete.retention.ms': '60000' }
const expiring = { 'cleanup.policy': 'compact,delete', 'retention.ms': '60000', 'delete.retention.ms': '60000' }
await storage.createTopic({ name: 'state', partitions, config: compacted })
await storage.createTopic({
  name: 'expiring',
  partitions,
  config: { ...expiring, 'segment.bytes': String(16 << 20) },
})
const timer = setInterval(report, reportEveryMs, storage)
await Promise.all(Array.from({ length: writers }, (_, writer) => write(storage, writer)))
clearInterval(timer)
await storage.close()
process.disconnect?.()

async function write(storage: Storage, writer: number): Promise<void> {
  const producerId = await storage.nextProducerId()
  const everyMs = (1000 * writers * recordsOfBatch * 2) / rate
  const startedAt = performance.now()
  for (let count = 0; !isEnding; count++) {
    const random = () => `key ${Math.floor(Math.random() * keys)}`
    const fresh = () => `${writer} ${count} ${Math.random()}`
    await Promise.all([
      transaction(storage, { topic: 'state', partition: (writer + count) % partitions, producerId, key: random }),
      transaction(storage, { topic: 'expiring', partition: (writer + count) % partitions, producerId, key: fresh }),
    ])
    const wait = startedAt + (count + 1) * everyMs - performance.now()
    if (wait > 0) await delay(wait)
  }
}

async function transaction(
  storage: Storage,
  to: { readonly topic: string; readonly partition: number; readonly producerId: number; readonly key: () => string },
): Promise<void> {
  const partition = storage.partition(to.topic, to.partition)
  const { producerId } = to
  const timestamp = Date.now()
  const records = Array.from({ length: recordsOfBatch }, () => ({ timestamp, key: Buffer.from(to.key()), value }))
  const began = performance.now()
  await partition?.append(encodeBatch({ records, producerId, producerEpoch: 0, isTransactional: true }), 'coordinator')
  latencies.push(performance.now() - began)
  written += recordsOfBatch
  await partition?.appendMarker({ producerId, producerEpoch: 0, commit: true, coordinatorEpoch: 0 })
}

function report(storage: Storage): void {
  const seconds = (performance.now() - before) / 1000
  before = performance.now()
  const sizeOf = (topic: string) =>
    Array.from({ length: partitions }, (_, at) => storage.partition(topic, at)?.sizeBytes ?? 0).reduce((a, b) => a + b)
  const sample: CompactionSample = {
    type: 'sample',
    records: written,
    figures: {
      perSecond: written / seconds,
      compactedMb: sizeOf('state') / 1e6,
      expiringMb: sizeOf('expiring') / 1e6,
      diskMb: bytesOnDisk() / 1e6,
      p50Ms: percentile(latencies, 0.5),
      p99Ms: percentile(latencies, 0.99),
      maxMs: percentile(latencies, 1),
    },
  }
  latencies = []
  written = 0
  process.send?.(sample)
}

function bytesOnDisk(): number {
  let bytes = 0
  for (const name of readdirSync(dataDir, { recursive: true, encoding: 'utf8' })) {
    bytes += statSync(join(dataDir, name), { throwIfNoEntry: false })?.size ?? 0
  }
  return bytes
}
