/** The content after a process was killed while it wrote, and which processes may open the folder. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openLocalStore } from '../src/index.ts'
import { maxBytes, wholeBatchesOf } from './support/batches.ts'

type Told = { type: string; written?: number; code?: string; message?: string; wiped?: string; pid?: number }

const script = fileURLToPath(new URL('support/writer.ts', import.meta.url))
const kills = 12
let folder = ''
type Writer = { next(): Promise<Told>; kill(): Promise<number> }
let writers: Writer[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'local-store-'))
  writers = []
})

afterEach(async () => {
  for (const writer of writers) await writer.kill()
  rmSync(folder, { recursive: true, force: true })
})

function startWriter(): Writer {
  const child = fork(script, [folder])
  const exited = once(child, 'exit')
  const told: Told[] = []
  let wake = Promise.withResolvers<void>()
  child.on('message', (message) => {
    told.push(message as Told)
    wake.resolve()
  })
  const writer = {
    /** The next message. */
    async next(): Promise<Told> {
      while (told.length === 0) {
        wake = Promise.withResolvers()
        await Promise.race([wake.promise, exited.then(() => Promise.reject(new Error('the writer ended')))])
      }
      return told.shift() as Told
    },
    /** The number of the last batch that it reported as written. */
    async kill(): Promise<number> {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
      await exited
      return Math.max(0, ...told.map(({ written = 0 }) => written))
    },
  }
  writers.push(writer)
  return writer
}

test('holds a whole number of batches, and all that were written, whenever it is killed', async () => {
  let written = 0
  for (let kill = 0; kill < kills; kill++) {
    const writer = startWriter()
    expect(await writer.next()).toMatchObject({ type: 'opened' })
    // The process continues until the signal arrives: at any point of a batch.
    for (let seen = 0; seen <= kill % 4; seen++) written = (await writer.next()).written ?? 0
    written = Math.max(written, await writer.kill())
    const { store, wiped } = await openLocalStore({ folder, format: 'batches', maxBytes })
    expect(wiped).toBeUndefined()
    expect(wholeBatchesOf(store)).toBeGreaterThanOrEqual(written)
    // The same after a close and after a kill.
    await store.close()
  }
}, 120_000)

test('is one process at a time, which is named to the others; a killed one leaves nothing to wait for', async () => {
  const first = startWriter()
  const { pid } = await first.next()
  await expect(openLocalStore({ folder, format: 'batches', maxBytes })).rejects.toMatchObject({
    code: 'LOCAL_STORE_LOCKED',
    message: `The folder ${folder} is in use by process ${pid}`,
    retriable: true,
  })
  await first.kill()
  const { store } = await openLocalStore({ folder, format: 'batches', maxBytes })
  await expect(openLocalStore({ folder, format: 'batches', maxBytes })).rejects.toMatchObject({
    message: `The folder ${folder} is in use by process ${process.pid}`,
  })
  await store.close()
  const { store: again } = await openLocalStore({ folder, format: 'batches', maxBytes })
  await again.close()
}, 60_000)

test('is opened by exactly one of several processes that start at once, also after a kill', async () => {
  for (let round = 0; round < 2; round++) {
    const several = [startWriter(), startWriter(), startWriter()]
    const answers = await Promise.all(several.map((writer) => writer.next()))
    expect(answers.map(({ type, code }) => code ?? type).sort()).toEqual([
      'LOCAL_STORE_LOCKED',
      'LOCAL_STORE_LOCKED',
      'opened',
    ])
    expect(answers.every(({ wiped }) => wiped === undefined)).toBe(true)
    for (const writer of several) await writer.kill()
  }
}, 60_000)
