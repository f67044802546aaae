/**
 * How long a durable append takes, how many there are in a second, and how fast a log is there again after a kill.
 *
 *     node bench/scenarios/broker-append.ts [data folder]
 *
 * The folder must lie on the disk that is to be measured (a memory file system makes every sync free). Prints one JSON
 * line a scenario, with times in ms.
 */

import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStorage, type Storage } from '../../packages/broker/src/log/index.ts'
import { encodeBatch } from '../../packages/kafka/src/wire/index.ts'

const parent = process.argv[2] ?? tmpdir()
const none = () => undefined
const logger = { debug: none, info: none, warn: none, error: none }
const clock = { now: () => Date.now() }
const value = Buffer.alloc(1024, 'x')

const open = (dataDir: string) => openStorage({ dataDir, logger, clock, maintenanceIntervalMs: 0 })
const report = (scenario: string, numbers: object) => console.log(JSON.stringify({ scenario, ...numbers }))
const round = (number: number) => Math.round(number * 100) / 100

/** `producers` append one record of 1 KB after another, each to a partition of its own as far as there are any. */
async function appendBy(storage: Storage, run: { producers: number; partitions: number; appends: number }) {
  const topic = `t${run.producers}-${run.partitions}`
  await storage.createTopic({ name: topic, partitions: run.partitions })
  const latencies: number[] = []
  const started = performance.now()
  await Promise.all(
    Array.from({ length: run.producers }, async (_, producer) => {
      const partition = storage.partition(topic, producer % run.partitions)
      for (let count = 0; count < run.appends / run.producers; count++) {
        const batch = encodeBatch({ records: [{ timestamp: Date.now(), key: null, value }] })
        const before = performance.now()
        await partition?.append(batch, 'client')
        latencies.push(performance.now() - before)
      }
    }),
  )
  const seconds = (performance.now() - started) / 1000
  latencies.sort((a, b) => a - b)
  const at = (share: number) => round(latencies[Math.floor(latencies.length * share)] ?? 0)
  report('append', { ...run, p50: at(0.5), p99: at(0.99), appendsPerSecond: Math.round(latencies.length / seconds) })
}

async function recoverAfterKill(dataDir: string, storage: Storage, megabytes: number): Promise<void> {
  await storage.createTopic({ name: 'large', partitions: 4 })
  const records = Array.from({ length: 16 }, () => ({ timestamp: Date.now(), key: null, value }))
  for (let written = 0; written < megabytes * 1024; written += 64 * 16) {
    const batches = Array.from({ length: 64 }, () => encodeBatch({ records }))
    await Promise.all(batches.map((batch, index) => storage.partition('large', index % 4)?.append(batch, 'client')))
  }
  const copy = mkdtempSync(join(parent, 'streampay-bench-'))
  try {
    cpSync(dataDir, copy, { recursive: true })
    const before = performance.now()
    const again = await open(copy)
    report('recover after a kill', { megabytes, ms: round(performance.now() - before) })
    await again.close()
    const clean = performance.now()
    const restarted = await open(copy)
    report('start after a clean end', { megabytes, ms: round(performance.now() - clean) })
    await restarted.close()
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

const dataDir = mkdtempSync(join(parent, 'streampay-bench-'))
try {
  const storage = await open(dataDir)
  await appendBy(storage, { producers: 1, partitions: 1, appends: 2000 })
  await appendBy(storage, { producers: 64, partitions: 1, appends: 60_000 })
  await appendBy(storage, { producers: 64, partitions: 16, appends: 60_000 })
  await appendBy(storage, { producers: 64, partitions: 64, appends: 60_000 })
  await recoverAfterKill(dataDir, storage, 100)
  await storage.close()
} finally {
  rmSync(dataDir, { recursive: true, force: true })
}
