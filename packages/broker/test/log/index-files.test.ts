import { copyFileSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { crc32 } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { Partition, Storage } from '../../src/log/index.ts'
import { batchOf, newYear, valuesOf } from '../support/batches.ts'
import { crashCopy } from '../support/crash.ts'
import { closeStorages, partitionOf, readAll, temporaryFolder, testStorage } from '../support/test-storage.ts'

const config = { 'segment.bytes': '600', 'index.interval.bytes': '150' }
const topics = ['events', 'others']

/** Transactions that are longer than a segment, one in two aborted, beside plain records; ten segments a topic. */
async function writtenLog(dataDir: string, from = 0): Promise<Storage> {
  const storage = await testStorage({ dataDir, checkpointBytes: 900 })
  for (const [number, name] of topics.entries()) {
    if (!storage.topic(name)) await storage.createTopic({ name, partitions: 1, config })
    await write(partitionOf(storage, name), from + number)
  }
  return storage
}

async function write(partition: Partition, from: number): Promise<void> {
  for (let round = from; round < from + 30; round++) {
    const producer = { producerId: round % 3, producerEpoch: 0 }
    const send = batchOf([{ value: `${round}`, timestamp: newYear + ((round * 7) % 40) }], {
      ...producer,
      isTransactional: true,
    })
    await partition.append(send, 'coordinator')
    await partition.append(batchOf([{ value: `plain ${round}`, timestamp: newYear + round }]), 'client')
    if (round % 5 === 4) await partition.appendMarker({ ...producer, commit: round % 2 === 0, coordinatorEpoch: 0 })
  }
}

/** All that a client can read of a partition. */
async function told(partition: Partition): Promise<object[]> {
  const answers: object[] = [{ values: valuesOf(await readAll(partition)) }]
  for (let offset = 0; offset < partition.lastStableOffset; offset += 3) {
    const read = await partition.read({ offset, maxBytes: 300, isolation: 'read_committed', minOneBatch: true })
    answers.push({ offset, records: valuesOf(read.records), aborted: read.abortedTransactions })
  }
  for (let time = 0; time < 45; time += 3) {
    answers.push({ time, found: (await partition.offsetForTimestamp(newYear + time)) ?? 'none' })
  }
  return answers
}

const indexesOf = (dataDir: string, topic = 'events'): string[] =>
  readdirSync(join(dataDir, 'topics'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.startsWith(`${topic}.`) && file.endsWith('.index'))
    .map((file) => join(dataDir, 'topics', file))
    .sort()

const segmentsOf = (dataDir: string): string[] => indexesOf(dataDir).map((path) => path.replace(/index$/, 'log'))

/** Whether a byte of a segment is the base offset or leader epoch of its batch. */
function outsideOfChecksum(segment: Buffer, at: number): boolean {
  let start = 0
  while (start + 12 + segment.readInt32BE(start + 8) <= at) start += 12 + segment.readInt32BE(start + 8)
  return at - start < 8 || (at - start >= 12 && at - start < 16)
}

async function closedLog(): Promise<string> {
  const dataDir = temporaryFolder()
  await (await writtenLog(dataDir)).close()
  return dataDir
}

function changed(path: string, change: (bytes: Buffer) => Buffer): void {
  writeFileSync(path, change(readFileSync(path)))
}

type Damage = (dataDir: string, indexes: readonly string[]) => void
const onEach = (damage: (path: string, all: readonly string[]) => void): Damage => {
  return (_, indexes) => {
    for (const path of indexes) damage(path, indexes)
  }
}
const damages: [what: string, damage: Damage][] = [
  ['all are missing', onEach((path) => rmSync(path))],
  ['one is missing', (_, [, second = '']) => rmSync(second)],
  ['all are empty', onEach((path) => truncateSync(path))],
  ['all are zeros', onEach((path) => changed(path, (bytes) => Buffer.alloc(bytes.length)))],
  ['all are garbage', onEach((path) => writeFileSync(path, Buffer.alloc(5000, 'garbage')))],
  [
    'all are those of another topic',
    (dataDir, indexes) => {
      const others = indexesOf(dataDir, 'others')
      for (const [at, path] of indexes.entries()) copyFileSync(others[at] ?? '', path)
    },
  ],
  [
    'two have changed places',
    (_, [first = '', second = '']) => {
      renameSync(first, `${first}.kept`)
      renameSync(second, first)
      renameSync(`${first}.kept`, second)
    },
  ],
  [
    'all go on behind what the checkpoint knows',
    onEach((path) => changed(path, (bytes) => Buffer.concat([bytes, bytes]))),
  ],
]

describe('what clients read is the same', () => {
  test.each(damages)('when of the index files %s', async (_, damage) => {
    const dataDir = await closedLog()
    const whole = await testStorage({ dataDir: crashCopy(dataDir) })
    const expected = await Promise.all(topics.map((topic) => told(partitionOf(whole, topic))))
    const indexes = indexesOf(dataDir)
    expect(indexes.length).toBeGreaterThan(5)
    damage(dataDir, indexes)
    const damaged = await testStorage({ dataDir })
    expect(await Promise.all(topics.map((topic) => told(partitionOf(damaged, topic))))).toEqual(expected)
    // They were made anew, so that the next start uses them.
    await damaged.close()
    const again = await testStorage({ dataDir })
    expect(await told(partitionOf(again, 'events'))).toEqual(expected[0])
    // The next start is tested, too.
    await write(partitionOf(again, 'events'), 100)
    await write(partitionOf(whole, 'events'), 100)
    expect(await told(partitionOf(again, 'events'))).toEqual(await told(partitionOf(whole, 'events')))
  })

  test('when an index file is changed or cut at any byte', async () => {
    const dataDir = await closedLog()
    const whole = await testStorage({ dataDir: crashCopy(dataDir) })
    const expected = await told(partitionOf(whole, 'events'))
    const [, path = ''] = indexesOf(dataDir)
    const bytes = readFileSync(path)
    for (let at = 0; at < bytes.length; at++) {
      if (at % 2 === 0) truncateSync(path, at)
      else changed(path, (content) => content.fill((content[at] ?? 0) ^ 0x41, at, at + 1))
      const storage = await testStorage({ dataDir })
      expect(await told(partitionOf(storage, 'events'))).toEqual(expected)
      await storage.close()
      writeFileSync(path, bytes)
    }
  }, 120_000)

  test('when the index files are older than the log, or newer than its checkpoint', async () => {
    const dataDir = temporaryFolder()
    const first = await writtenLog(dataDir)
    const older = crashCopy(dataDir)
    await first.close()
    const storage = await writtenLog(dataDir, 50)
    const newer = crashCopy(dataDir)
    const expected = await told(partitionOf(storage, 'events'))
    await storage.close()
    const replaced = (to: string, from: string) => {
      for (const path of indexesOf(from)) {
        const other = indexesOf(to).find((target) => basename(target) === basename(path))
        if (other !== undefined) copyFileSync(path, other)
      }
    }
    const withOlder = crashCopy(newer)
    replaced(withOlder, older)
    expect(await told(partitionOf(await testStorage({ dataDir: withOlder }), 'events'))).toEqual(expected)
    const before = await told(partitionOf(await testStorage({ dataDir: crashCopy(older) }), 'events'))
    replaced(older, newer)
    expect(await told(partitionOf(await testStorage({ dataDir: older }), 'events'))).toEqual(before)
  })

  // The first format kept the aborted transactions in the checkpoint, and had no index files.
  test('of a log of the first format', async () => {
    const dataDir = await closedLog()
    const expected = await told(partitionOf(await testStorage({ dataDir: crashCopy(dataDir) }), 'events'))
    for (const path of [...indexesOf(dataDir), ...indexesOf(dataDir, 'others')]) rmSync(path)
    rewriteCheckpoint(dataDir, (state) => ({
      ...state,
      version: 1,
      topics: state.topics.map((topic) => ({
        ...topic,
        partitions: topic.partitions.map((partition) => ({
          ...partition,
          aborted: [],
          segments: partition.segments.map(({ index: _, ...segment }) => segment),
        })),
      })),
    }))
    expect(await told(partitionOf(await testStorage({ dataDir }), 'events'))).toEqual(expected)
  })

  // While a checkpoint is saved, a replaced segment is read as it was when its index covered less.
  test('when an index does not cover its whole segment', async () => {
    const dataDir = await closedLog()
    const expected = await told(partitionOf(await testStorage({ dataDir: crashCopy(dataDir) }), 'events'))
    rewriteSegments(dataDir, (segment, { id }) => {
      const crc = crc32(`${id}/0/${segment.file}`)
      return { ...segment, index: { bytes: 0, crc, covers: 0, lastAborted: -1, floor: 0, lastPosition: 0 } }
    })
    expect(await told(partitionOf(await testStorage({ dataDir }), 'events'))).toEqual(expected)
  })

  test('when an index has a correct checksum and wrong content', async () => {
    const dataDir = await closedLog()
    const expected = await told(partitionOf(await testStorage({ dataDir: crashCopy(dataDir) }), 'events'))
    const [, path = ''] = indexesOf(dataDir)
    // Each entry says that its batch begins at the one before it.
    changed(path, (bytes) => {
      const positions = [32, 52, 72].map((at) => bytes.readUInt32BE(at + 8))
      for (const [at, position] of positions.entries()) {
        if (at > 0) bytes.writeUInt32BE(position, 32 + (at - 1) * 20 + 8)
      }
      return bytes
    })
    const file = basename(path).replace('index', 'log')
    rewriteSegments(dataDir, (segment, { name, id }) => {
      if (segment.file !== file || name !== 'events') return segment
      const crc = crc32(readFileSync(path), crc32(`${id}/0/${file}`))
      return { ...segment, index: { ...segment.index, crc } }
    })
    expect(await told(partitionOf(await testStorage({ dataDir }), 'events'))).toEqual(expected)
  })
})

test('opening a log reads no index file, and no segment but its end', async () => {
  const dataDir = await closedLog()
  for (const path of indexesOf(dataDir)) rmSync(path)
  const segments = readdirSync(dirname(indexesOf(dataDir, 'others')[0] ?? '')).filter((name) => name.endsWith('.log'))
  expect(segments.length).toBeGreaterThan(5)
  const folder = dirname(indexesOf(dataDir, 'others')[0] ?? '')
  for (const name of segments.slice(0, -1)) {
    changed(join(folder, name), (bytes) => bytes.fill(0))
  }
  const storage = await testStorage({ dataDir })
  const partition = partitionOf(storage, 'others')
  const refusal = await readAll(partition).catch((error: Error) => error.message)
  expect(refusal).toMatch(/others-0 cannot be read: The log file .* is broken at byte 0/)
  await partition.append(batchOf(['more']), 'client')
})

test('a changed byte of an older segment is reported at its first read, at every byte, with or without its index', async () => {
  const dataDir = await closedLog()
  const [path = ''] = segmentsOf(dataDir)
  const bytes = readFileSync(path)
  for (let at = 0; at < bytes.length; at += 5) {
    changed(path, (content) => content.fill((content[at] ?? 0) ^ 0x41, at, at + 1))
    const copy = crashCopy(dataDir)
    if (at % 2 === 0) rmSync(indexesOf(copy)[0] ?? '')
    writeFileSync(path, bytes)
    const partition = partitionOf(await testStorage({ dataDir: copy }), 'events')
    const refusal = await readAll(partition).catch((error: Error) => error.message)
    // The base offset and the leader epoch are set by the log, and not covered by the checksum: a wrong one at least is not skipped.
    if (typeof refusal === 'string')
      expect(refusal).toMatch(/events-0 cannot be read: The log file .* is broken at byte \d+/)
    else expect({ at, isOutside: outsideOfChecksum(bytes, at) }).toEqual({ at, isOutside: true })
    await closeStorages()
  }
}, 120_000)

type TopicInfo = { readonly name: string; readonly id: string }
type SavedSegment = { readonly file: string; readonly index?: object }
type SavedState = {
  readonly version: number
  readonly topics: readonly {
    readonly info: TopicInfo
    readonly partitions: readonly { readonly segments: readonly SavedSegment[] }[]
  }[]
}

/** Each segment of each partition. */
function rewriteSegments(dataDir: string, change: (segment: SavedSegment, topic: TopicInfo) => SavedSegment): void {
  rewriteCheckpoint(dataDir, (state) => ({
    ...state,
    topics: state.topics.map((topic) => ({
      ...topic,
      partitions: topic.partitions.map((partition) => ({
        ...partition,
        segments: partition.segments.map((segment) => change(segment, topic.info)),
      })),
    })),
  }))
}

/** With a right checksum. */
function rewriteCheckpoint(dataDir: string, change: (state: SavedState) => SavedState): void {
  const path = join(dataDir, 'checkpoint')
  const [, json = ''] = readFileSync(path, 'utf8').split('\n')
  const body = Buffer.from(`${JSON.stringify(change(JSON.parse(json) as SavedState))}\n`)
  writeFileSync(path, Buffer.concat([Buffer.from(`${crc32(body).toString(16).padStart(8, '0')}\n`), body]))
}
