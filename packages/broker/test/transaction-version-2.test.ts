/** Transactions of `transaction.version` 2 (KIP-890): a write adds its partition, and each end gives the next epoch. */
import { readdirSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { apis, encodeBatch, errors } from '@streampay/kafka/wire'
import { expect, test } from 'vitest'
import type { StateLog } from '../src/coordinators/state-log.ts'
import type { BrokerOptions } from '../src/index.ts'
import { crashCopy } from './support/crash.ts'
import { HeldStateLog, nextStateOf, refusedBy } from './support/held-state-log.ts'
import { committedValues } from './support/read-values.ts'
import {
  createTopic,
  initProducer,
  type Producer,
  testBroker,
  type WireClient,
  wireClient,
} from './support/test-broker.ts'
import { temporaryFolder } from './support/test-storage.ts'

const transactionalId = 'payments-0'
const lastEpoch = 0x7ffe

async function setUp(options: Partial<BrokerOptions> = {}) {
  const dataDir = temporaryFolder()
  const broker = await testBroker({ dataDir, ...options })
  const client = await wireClient(broker)
  await createTopic(client, 'in')
  await createTopic(client, 'out', 2)
  return { dataDir, broker, client }
}

/** Writes the value to both partitions, in one request. */
async function write(client: WireClient, { producerId, producerEpoch }: Producer, value: string, baseSequence = 0) {
  const records = [{ timestamp: 1, key: null, value: Buffer.from(value) }]
  const { responses } = await client.call(apis.produce, {
    transactionalId,
    acks: -1,
    timeoutMs: 1_000,
    topicData: [
      {
        name: 'out',
        partitionData: [0, 1].map((index) => ({
          index,
          records: encodeBatch({ records, producerId, producerEpoch, baseSequence, isTransactional: true }),
        })),
      },
    ],
  })
  return responses.flatMap(({ partitionResponses }) => partitionResponses.map(({ errorCode }) => errorCode))
}

async function commitOffset(client: WireClient, producer: Producer, offset: number, generationId = -1) {
  const { producerId, producerEpoch } = producer
  const { topics } = await client.call(apis.txnOffsetCommit, {
    transactionalId,
    groupId: 'g',
    producerId,
    producerEpoch,
    generationId,
    topics: [{ name: 'in', partitions: [{ partitionIndex: 0, committedOffset: offset, committedMetadata: '' }] }],
  })
  return topics[0]?.partitions[0]?.errorCode
}

async function end(client: WireClient, { producerId, producerEpoch }: Producer, committed: boolean) {
  return client.call(apis.endTxn, { transactionalId, producerId, producerEpoch, committed })
}

async function committedOffset(client: WireClient) {
  const { groups } = await client.call(apis.offsetFetch, {
    groups: [{ groupId: 'g', topics: [{ name: 'in', partitionIndexes: [0] }] }],
    requireStable: true,
  })
  return groups[0]?.topics[0]?.partitions[0]?.committedOffset
}

async function stateOf(client: WireClient) {
  const { transactionStates } = await client.call(apis.describeTransactions, { transactionalIds: [transactionalId] })
  return transactionStates[0]?.transactionState
}

const allValues = async (client: WireClient) => [
  await committedValues(client, 'out', 0),
  await committedValues(client, 'out', 1),
]

/** What a transaction of the next producer sees, on the files that a kill would leave. */
async function afterKill(dataDir: string) {
  const again = await wireClient(await testBroker({ dataDir: crashCopy(dataDir) }))
  const successor = await initProducer(again, transactionalId)
  expect(await write(again, successor, 'next')).toEqual([0, 0])
  expect((await end(again, successor, true)).errorCode).toBe(0)
  const values = await allValues(again)
  const offset = await committedOffset(again)
  return { values, offset }
}

test('is reported as an enabled feature', async () => {
  const { client } = await setUp()
  const { finalizedFeatures } = await client.call(apis.apiVersions, {
    clientSoftwareName: 'test',
    clientSoftwareVersion: '1',
  })
  expect(finalizedFeatures).toEqual([{ name: 'transaction.version', minVersionLevel: 2, maxVersionLevel: 2 }])
})

test('begins with what is written, ends all of it together, and continues under the next epoch', async () => {
  const { client } = await setUp()
  let producer = await initProducer(client, transactionalId)
  for (const [round, value] of ['a', 'b', 'c'].entries()) {
    const written = [write(client, producer, value), commitOffset(client, producer, round + 1)]
    expect(await Promise.all(written)).toEqual([[0, 0], 0])
    expect(await stateOf(client)).toBe('Ongoing')
    const ended = await end(client, producer, true)
    expect(ended).toMatchObject({ errorCode: 0, producerId: producer.producerId, producerEpoch: round + 1 })
    producer = ended
    expect(await committedOffset(client)).toBe(round + 1)
  }
  expect(await allValues(client)).toEqual([
    ['a', 'b', 'c'],
    ['a', 'b', 'c'],
  ])
})

test('forgets what was aborted, also where nothing was written, and continues under the next epoch', async () => {
  const { client } = await setUp()
  const first = await initProducer(client, transactionalId)
  expect((await end(client, first, true)).errorCode).toBe(errors.INVALID_TXN_STATE)
  const second = await end(client, first, false)
  expect(second).toMatchObject({ errorCode: 0, producerEpoch: first.producerEpoch + 1 })
  await write(client, second, 'lost')
  await commitOffset(client, second, 7)
  const third = await end(client, second, false)
  expect(await committedOffset(client)).toBe(-1)
  const fourth = await end(client, third, false)
  await write(client, fourth, 'kept')
  expect((await end(client, fourth, true)).errorCode).toBe(0)
  expect(await allValues(client)).toEqual([['kept'], ['kept']])
})

test('repeats the answer to an end, and refuses the other outcome and a producer that is a transaction behind', async () => {
  const { client } = await setUp()
  const first = await initProducer(client, transactionalId)
  await write(client, first, 'a')
  const second = await end(client, first, true)
  expect(await end(client, first, true)).toEqual(second)
  expect((await end(client, first, false)).errorCode).toBe(errors.INVALID_TXN_STATE)
  await write(client, second, 'b')
  expect((await end(client, first, true)).errorCode).toBe(errors.PRODUCER_FENCED)
  const third = await end(client, second, false)
  expect(await end(client, second, false)).toEqual(third)
  expect((await end(client, second, true)).errorCode).toBe(errors.INVALID_TXN_STATE)
})

// Under one epoch, a delayed request joined the transaction after its own, or stayed open in its partition without an end.
test('refuses late writes of a transaction that has ended, into the next one or outside of one', async () => {
  const { client } = await setUp()
  const first = await initProducer(client, transactionalId)
  await write(client, first, 'a')
  const second = await end(client, first, true)
  const late = [errors.INVALID_PRODUCER_EPOCH, errors.INVALID_PRODUCER_EPOCH]
  expect(await write(client, first, 'late', 1)).toEqual(late)
  expect(await commitOffset(client, first, 5)).toBe(errors.INVALID_PRODUCER_EPOCH)
  expect(await stateOf(client)).toBe('CompleteCommit')
  await write(client, second, 'b')
  expect(await write(client, first, 'late', 1)).toEqual(late)
  await end(client, second, true)
  expect(await allValues(client)).toEqual([
    ['a', 'b'],
    ['a', 'b'],
  ])
})

test('gives another id where epochs are used up, whose first answer can be repeated too', async () => {
  const { dataDir, client, broker } = await setUp()
  const { producerId } = await initProducer(client, transactionalId)
  client.close()
  await broker.close()
  const used = (log: StateLog): StateLog => ({
    ...log,
    load: (loader) =>
      log.load({
        ...loader,
        entry: (entry, producer, at) => {
          const value = entry.value === null ? null : { ...entry.value, producerEpoch: lastEpoch }
          loader.entry(entry.key[0] === 'transaction' ? { ...entry, value } : entry, producer, at)
        },
      }),
  })
  const again = await wireClient(await testBroker({ dataDir, wrapLog: used }))
  const last = { producerId, producerEpoch: lastEpoch, errorCode: 0 }
  expect(await write(again, last, 'a')).toEqual([0, 0])
  const next = await end(again, last, true)
  expect(next).toMatchObject({ errorCode: 0, producerEpoch: 0 })
  expect(next.producerId).not.toBe(producerId)
  expect(await end(again, last, true)).toEqual(next)
  expect(await write(again, last, 'late', 1)).toEqual([
    errors.INVALID_PRODUCER_ID_MAPPING,
    errors.INVALID_PRODUCER_ID_MAPPING,
  ])
  expect(await write(again, next, 'b')).toEqual([0, 0])
  expect((await end(again, next, true)).errorCode).toBe(0)
  expect(await allValues(again)).toEqual([
    ['a', 'b'],
    ['a', 'b'],
  ])
})

test('is not joined by a group whose member may not commit', async () => {
  const { client } = await setUp()
  const producer = await initProducer(client, transactionalId)
  expect(await commitOffset(client, producer, 5, 3)).toBe(errors.ILLEGAL_GENERATION)
  expect(await stateOf(client)).toBe('Empty')
})

test('is fenced by the producer that takes the id over, and gets no answer about its end', async () => {
  const { client } = await setUp()
  const zombie = await initProducer(client, transactionalId)
  await write(client, zombie, 'zombie')
  const successor = await initProducer(client, transactionalId)
  expect((await end(client, zombie, true)).errorCode).toBe(errors.PRODUCER_FENCED)
  expect(await write(client, zombie, 'late', 1)).toEqual([errors.INVALID_PRODUCER_EPOCH, errors.INVALID_PRODUCER_EPOCH])
  await write(client, successor, 'new')
  await end(client, successor, true)
  expect(await allValues(client)).toEqual([['new'], ['new']])
})

// The answer to a repetition names the producer that continues: after a successor that would be the successor, whose identity a zombie
// could then use.
test.each([true, false])(
  'gives a zombie that repeats its end (commit: %s) no information about its successor',
  async (commit) => {
    const { client } = await setUp()
    const zombie = await initProducer(client, transactionalId)
    await write(client, zombie, 'a')
    await end(client, zombie, commit)
    const successor = await initProducer(client, transactionalId)
    const told = { errorCode: errors.PRODUCER_FENCED, producerId: -1, producerEpoch: -1 }
    for (const again of [commit, !commit]) expect(await end(client, zombie, again)).toMatchObject(told)
    await write(client, successor, 'b')
    for (const again of [commit, !commit]) expect(await end(client, zombie, again)).toMatchObject(told)
  },
)

test('leaves all or nothing of a transaction, wherever the journal was cut', async () => {
  const { dataDir, client } = await setUp()
  const before = journalOf(dataDir).bytes
  const producer = await initProducer(client, transactionalId)
  expect(await Promise.all([write(client, producer, 'a'), commitOffset(client, producer, 7)])).toEqual([[0, 0], 0])
  const written = journalOf(dataDir).bytes
  expect((await end(client, producer, true)).errorCode).toBe(0)
  const { bytes } = journalOf(dataDir)
  const cuts = Array.from({ length: 24 }, (_, n) => Math.floor(before + ((bytes - before) * n) / 24))
  const outcomes = new Set<string>()
  for (const left of [...cuts, written, bytes - 1, bytes]) {
    const copy = crashCopy(dataDir)
    truncateSync(journalOf(copy).path, left)
    const { values, offset } = await afterKill(copy)
    outcomes.add(JSON.stringify({ values, offset }))
  }
  expect([...outcomes].sort()).toEqual(
    [
      JSON.stringify({ values: [['next'], ['next']], offset: -1 }),
      JSON.stringify({
        values: [
          ['a', 'next'],
          ['a', 'next'],
        ],
        offset: 7,
      }),
    ].sort(),
  )
})

test('writes nothing where the log refuses the record of it', async () => {
  const log = new HeldStateLog()
  const { dataDir, client } = await setUp({ wrapLog: log.wrap })
  const producer = await initProducer(client, transactionalId)
  log.fault = {
    before: (append) => (nextStateOf(append) === 'Ongoing' ? Promise.reject(refusedBy()) : Promise.resolve()),
  }
  const refused = errors.COORDINATOR_NOT_AVAILABLE
  expect(await write(client, producer, 'never')).toEqual([refused, refused])
  expect(await commitOffset(client, producer, 5)).toBe(refused)
  expect(await stateOf(client)).toBe('Empty')
  expect(await afterKill(dataDir)).toEqual({ values: [['next'], ['next']], offset: -1 })
})

function journalOf(dataDir: string): { path: string; bytes: number } {
  const name = readdirSync(dataDir).find((file) => file.startsWith('journal')) ?? ''
  const path = join(dataDir, name)
  return { path, bytes: statSync(path).size }
}
