import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { batchesOf, decodeRecords } from '@streampay/kafka/wire'
import { describe, expect, it } from 'vitest'
import { batchOf, valuesOf } from '../support/batches.ts'
import { partitionOf, readAll, temporaryFolder, testStorage } from '../support/test-storage.ts'
import type { KillStep } from '../support/victim.ts'

const victim = fileURLToPath(new URL('../support/victim.ts', import.meta.url))

/** Runs until it has killed itself; returns its output lines. */
async function runVictim(dataDir: string, step: KillStep): Promise<string[]> {
  const child = spawn(process.execPath, [victim, dataDir, JSON.stringify(step)], { stdio: ['ignore', 'pipe', 'pipe'] })
  const [output, errors, [, signal]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  expect({ signal, errors }).toEqual({ signal: 'SIGKILL', errors: '' })
  return output.split('\n').filter((line) => line !== '')
}

/** Opens the log as the next start does, and compares it with what was acknowledged. */
async function checkLog(dataDir: string, told: readonly string[]): Promise<void> {
  const storage = await testStorage({ dataDir })
  if (!told.includes('ready')) return
  const plain = valuesOf(await readAll(partitionOf(storage, 'plain'))).map(Number)
  const acknowledged = told.filter((line) => line.startsWith('plain ')).map((line) => Number(line.slice(6)))
  // Each value exactly once, in order; besides the acknowledged ones at most those under way.
  const known = (acknowledged.at(-1) ?? plain.length - 1) + 1
  expect(plain).toEqual(plain.map((_, index) => index))
  expect([known, known + 1]).toContain(plain.length)
  const newest = new Map<string, number>()
  for (const { bytes } of batchesOf(await readAll(partitionOf(storage, 'compacted')))) {
    for (const { key, value } of decodeRecords(bytes)) newest.set(String(key), Number(value))
  }
  for (const line of told.filter((entry) => entry.startsWith('compacted '))) {
    const [, key = '', value = ''] = /^compacted (.*)=(.*)$/.exec(line) ?? []
    expect(newest.get(key)).toBeGreaterThanOrEqual(Number(value))
  }
  await partitionOf(storage, 'plain').append(batchOf([String(plain.length)]), 'client')
  await storage.close()
}

const steps: [what: string, step: KillStep][] = [
  ['before the first journal is there', { operation: 'open', name: 'journal-0000000001', when: 'before', nth: 1 }],
  ['before a frame is written', { operation: 'write', name: 'journal-0000000001', when: 'before', nth: 9 }],
  ['half way through a frame', { operation: 'write', name: 'journal-0000000001', when: 'half way', nth: 9 }],
  ['between writing a frame and its sync', { operation: 'write', name: 'journal-0000000001', when: 'after', nth: 9 }],
  ['half way through a segment write', { operation: 'write', name: '.log', when: 'half way', nth: 20 }],
  ['between a sync and its acknowledgement', { operation: 'sync', name: 'journal-0000000001', when: 'after', nth: 9 }],
  ['as the next journal begins', { operation: 'open', name: 'journal-0000000002', when: 'after', nth: 1 }],
  ['while a checkpoint syncs segments', { operation: 'sync', name: '.log', when: 'after', nth: 2 }],
  ['half way through writing a checkpoint', { operation: 'write', name: 'checkpoint.new', when: 'half way', nth: 2 }],
  ['before a checkpoint takes effect', { operation: 'rename', name: 'checkpoint', when: 'before', nth: 2 }],
  ['after a checkpoint took effect', { operation: 'rename', name: 'checkpoint', when: 'after', nth: 2 }],
  ['before an old journal is removed', { operation: 'removeFile', name: 'journal-0000000001', when: 'before', nth: 1 }],
  ['half way through writing a compacted segment', { operation: 'write', name: '-1.log', when: 'half way', nth: 1 }],
  ['when a compacted segment is durable', { operation: 'sync', name: '-1.log', when: 'after', nth: 1 }],
  [
    'while segments that were compacted are removed',
    { operation: 'removeFile', name: '0000.log', when: 'after', nth: 2 },
  ],
  ['in a later round of compaction', { operation: 'sync', name: '-2.log', when: 'after', nth: 1 }],
]

describe('a process killed', () => {
  it.each(steps)('%s leaves a log with everything it acknowledged', { timeout: 60_000 }, async (_, step) => {
    const dataDir = temporaryFolder()
    await checkLog(dataDir, await runVictim(dataDir, step))
  })

  it('again and again leaves a log with everything it acknowledged', { timeout: 60_000 }, async () => {
    const dataDir = temporaryFolder()
    for (const nth of [12, 23, 31]) {
      await checkLog(dataDir, await runVictim(dataDir, { operation: 'sync', name: 'journal-', when: 'before', nth }))
    }
  })
})
