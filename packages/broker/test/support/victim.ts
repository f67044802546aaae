/**
 * A process that appends to a log until it kills itself (SIGKILL) at a given step. Arguments: data folder, step as
 * JSON. It tells every acknowledgement on stdout, synchronously, before it goes on.
 */

import { writeSync } from 'node:fs'
import { openStorage, type Storage } from '../../src/log/index.ts'
import { batchOf, newYear } from './batches.ts'
import { type FileOperation, faultyFiles } from './faulty-files.ts'

export type KillStep = {
  readonly operation: FileOperation
  /** How the name of the file begins or ends. */
  readonly name: string
  readonly when: 'before' | 'after' | 'half way'
  /** Which occurrence of the step, from 1. */
  readonly nth: number
}

const [dataDir = '', stepJson = ''] = process.argv.slice(2)
const step: KillStep = JSON.parse(stepJson)
let seen = 0

const files = faultyFiles(({ operation, name, when, buffers, tear }) => {
  if (operation !== step.operation || when !== (step.when === 'after' ? 'after' : 'before')) return
  if (!name.startsWith(step.name) && !name.endsWith(step.name)) return
  if (++seen < step.nth) return
  if (step.when === 'half way') tear(Math.floor(buffers.reduce((sum, buffer) => sum + buffer.length, 0) / 2))
  process.kill(process.pid, 'SIGKILL')
})

const clock = { time: newYear, now: () => clock.time }
const none = () => undefined
const logger = { debug: none, info: none, warn: none, error: none }
const storage = await openStorage({ dataDir, files, clock, logger, maintenanceIntervalMs: 0, checkpointBytes: 4000 })

await create('plain', {})
await create('compacted', {
  'cleanup.policy': 'compact',
  'segment.bytes': '500',
  'min.cleanable.dirty.ratio': '0.01',
})
tell('ready')

for (let round = next(storage); ; round++) {
  await Promise.all([
    storage
      .partition('plain', 0)
      ?.append(batchOf([String(round)]), 'client')
      .then(() => tell(`plain ${round}`)),
    put(`key ${round % 3}`, String(round)),
    put(`key ${round % 5}`, String(round)),
  ])
  clock.time += 100
  if (round % 10 === 9) await storage.maintain()
}

async function put(key: string, value: string): Promise<void> {
  await storage.partition('compacted', 0)?.append(batchOf([{ key, value }]), 'client')
  tell(`compacted ${key}=${value}`)
}

async function create(name: string, config: Record<string, string>): Promise<void> {
  if (!storage.topic(name)) await storage.createTopic({ name, partitions: 1, config })
}

function next(log: Storage): number {
  return log.partition('plain', 0)?.logEndOffset ?? 0
}

function tell(line: string): void {
  writeSync(1, `${line}\n`)
}
