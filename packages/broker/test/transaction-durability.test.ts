import { readdirSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { apis, errors } from '@streampay/kafka/wire'
import { expect, test } from 'vitest'
import type { BrokerConfig } from '../src/index.ts'
import { crashCopy } from './support/crash.ts'
import { type Append, HeldStateLog, nextStateOf, refusedBy } from './support/held-state-log.ts'
import { committedValues } from './support/read-values.ts'
import {
  createTopic,
  initProducer,
  ManualSchedule,
  type Producer,
  produceOne,
  testBroker,
  type WireClient,
  wireClient,
} from './support/test-broker.ts'
import { temporaryFolder } from './support/test-storage.ts'

const transactionalId = 'payments-0'
const TRANSACTION_TIMEOUT_MS = 10_000
const WRITE_TIMEOUT_MS = 5000
const RETRY_MS = 1000

/** Makes the broker end transactions in steps: decision, markers one by one, completion. */
const inSteps = { beforeMarker: () => Promise.resolve() }

async function setUp(config: Partial<BrokerConfig> = {}, { beforeMarker }: Partial<typeof inSteps> = {}) {
  const dataDir = temporaryFolder()
  const timers = new ManualSchedule()
  const log = new HeldStateLog()
  const startedAt = Date.now()
  const clock = { now: () => startedAt }
  const parts = { dataDir, schedule: timers.schedule, clock, config, wrapLog: log.wrap }
  const broker = await testBroker(beforeMarker ? { ...parts, beforeMarker } : parts)
  const client = await wireClient(broker)
  await createTopic(client, 'out')
  return { dataDir, timers, log, broker, client }
}

async function addPartition(client: WireClient, producer: Producer): Promise<number> {
  const topics = [{ name: 'out', partitions: [0] }]
  const { results } = await client.call(apis.addPartitionsToTxn, { transactionalId, ...producer, topics })
  return results[0]?.results[0]?.errorCode ?? -1
}

async function addOffsets(client: WireClient, producer: Producer): Promise<number> {
  return (await client.call(apis.addOffsetsToTxn, { transactionalId, ...producer, groupId: 'g' })).errorCode
}

async function end(client: WireClient, producer: Producer, committed: boolean): Promise<number> {
  return (await client.call(apis.endTxn, { transactionalId, ...producer, committed }, 4)).errorCode
}

function produce(client: WireClient, producer: Producer, { value, sequence }: { value: string; sequence: number }) {
  return produceOne(client, { topic: 'out', value }, { ...producer, transactionalId, sequence })
}

async function stateOf(client: WireClient) {
  return (await client.call(apis.describeTransactions, { transactionalIds: [transactionalId] })).transactionStates[0]
}

/** A whole transaction of the next producer on the files that a kill would leave now, and what a reader sees then. */
async function valuesAfterKill(dataDir: string): Promise<string[]> {
  const again = await wireClient(await testBroker({ dataDir: crashCopy(dataDir) }))
  let successor = await initProducer(again, transactionalId)
  while (successor.errorCode === errors.CONCURRENT_TRANSACTIONS) successor = await initProducer(again, transactionalId)
  expect(await addPartition(again, successor)).toBe(0)
  expect(await produce(again, successor, { value: 'next', sequence: 0 })).toBe(0)
  expect(await end(again, successor, true)).toBe(0)
  return committedValues(again, 'out')
}

// AddPartitionsToTxn was answered with NONE although its record was refused: the log did not have the transaction, and
// the commit of the next one, whose marker ends every open transaction of a partition, made its records visible.
test('keeps records hidden after a kill when the beginning of their transaction was refused', async () => {
  const { dataDir, log, client } = await setUp()
  const producer = await initProducer(client, transactionalId)
  log.fault = {
    before: (append) => (nextStateOf(append) === 'Ongoing' ? Promise.reject(refusedBy()) : Promise.resolve()),
  }
  expect.soft(await addPartition(client, producer)).toBe(errors.COORDINATOR_NOT_AVAILABLE)
  expect.soft(await produce(client, producer, { value: 'never committed', sequence: 0 })).toBe(errors.INVALID_TXN_STATE)
  expect(await valuesAfterKill(dataDir)).toEqual(['next'])
})

// The end of the transaction before was only in memory. Markers of its commit were written again at the next start, and
// committed what the refused transaction had written.
test('keeps records hidden after a kill when the completion before them was refused, too', async () => {
  const { broker, dataDir, log, client } = await setUp({}, inSteps)
  const producer = await initProducer(client, transactionalId)
  expect(await addPartition(client, producer)).toBe(0)
  expect(await produce(client, producer, { value: 'committed', sequence: 0 })).toBe(0)
  const prepared = new Set(['PrepareCommit', 'PrepareAbort'])
  log.fault = {
    before: (append) => (prepared.has(nextStateOf(append) ?? '') ? Promise.resolve() : Promise.reject(refusedBy())),
  }
  const other = await wireClient(broker)
  const ended = end(client, producer, true).catch(() => undefined)
  await expect.poll(() => committedValues(other, 'out')).toEqual(['committed'])
  expect.soft(await addPartition(other, producer)).toBe(errors.CONCURRENT_TRANSACTIONS)
  expect.soft(await produce(other, producer, { value: 'never committed', sequence: 1 })).not.toBe(0)
  expect(await valuesAfterKill(dataDir)).toEqual(['committed', 'next'])
  client.close()
  await ended
})

const refusing =
  (...states: string[]) =>
  (append: Append): Promise<void> =>
    states.includes(nextStateOf(append) ?? '') ? Promise.reject(refusedBy()) : Promise.resolve()

test.each([
  [errors.NOT_ENOUGH_REPLICAS, errors.COORDINATOR_NOT_AVAILABLE],
  [errors.KAFKA_STORAGE_ERROR, errors.NOT_COORDINATOR],
  [errors.MESSAGE_TOO_LARGE, errors.UNKNOWN_SERVER_ERROR],
])('answers every change that the log refuses with %i by the code %i, as Apache Kafka does', async (cause, code) => {
  const { log, client } = await setUp()
  const refuse = () => Promise.reject(refusedBy(cause))
  const whileRefusing = async <T>(ask: () => Promise<T>): Promise<T> => {
    log.fault = { before: refuse }
    const answer = await ask()
    log.fault = {}
    return answer
  }
  const first = await whileRefusing(() => initProducer(client, transactionalId))
  expect(first).toMatchObject({ errorCode: code, producerId: -1, producerEpoch: -1 })
  expect((await stateOf(client))?.errorCode).toBe(errors.TRANSACTIONAL_ID_NOT_FOUND)
  const producer = await initProducer(client, transactionalId)
  expect((await whileRefusing(() => initProducer(client, transactionalId))).errorCode).toBe(code)
  expect((await stateOf(client))?.producerEpoch).toBe(producer.producerEpoch)
  expect(await whileRefusing(() => addPartition(client, producer))).toBe(code)
  expect(await whileRefusing(() => addOffsets(client, producer))).toBe(code)
  expect((await stateOf(client))?.transactionState).toBe('Empty')
  expect(await addPartition(client, producer)).toBe(0)
  expect(await whileRefusing(() => end(client, producer, true))).toBe(code)
  expect(await whileRefusing(() => end(client, producer, false))).toBe(code)
  expect((await whileRefusing(() => initProducer(client, transactionalId))).errorCode).toBe(code)
  expect((await stateOf(client))?.transactionState).toBe('Ongoing')
  expect(await end(client, producer, true)).toBe(0)
})

// The timeout was cancelled before the decision was written: a refused write left the transaction open without one.
test('keeps the timeout of a transaction whose end was refused', async () => {
  const { log, timers, client } = await setUp()
  const producer = await initProducer(client, transactionalId)
  expect(await addPartition(client, producer)).toBe(0)
  expect(await produce(client, producer, { value: 'late', sequence: 0 })).toBe(0)
  log.fault = { before: refusing('CompleteCommit') }
  expect(await end(client, producer, true)).toBe(errors.COORDINATOR_NOT_AVAILABLE)
  expect(timers.fire(TRANSACTION_TIMEOUT_MS)).toBe(1)
  await expect.poll(async () => (await stateOf(client))?.transactionState).toBe('CompleteAbort')
  expect(await end(client, producer, true)).toBe(errors.PRODUCER_FENCED)
  expect(await committedValues(client, 'out')).toEqual([])
})

test('tries the abort of an overdue transaction again until the log takes it', async () => {
  const { log, timers, client } = await setUp()
  const producer = await initProducer(client, transactionalId)
  expect(await addPartition(client, producer)).toBe(0)
  const refused: string[] = []
  log.fault = {
    before: (append) => {
      refused.push(nextStateOf(append) ?? '')
      return Promise.reject(refusedBy())
    },
  }
  expect(timers.fire(TRANSACTION_TIMEOUT_MS)).toBe(1)
  await expect.poll(() => refused).toEqual(['CompleteAbort'])
  expect(timers.fire(RETRY_MS)).toBe(1)
  await expect.poll(() => refused).toEqual(['CompleteAbort', 'CompleteAbort'])
  expect((await stateOf(client))?.transactionState).toBe('Ongoing')
  log.fault = {}
  expect(timers.fire(RETRY_MS)).toBe(1)
  await expect.poll(async () => (await stateOf(client))?.transactionState).toBe('CompleteAbort')
  expect(timers.waiting(RETRY_MS)).toBe(0)
})

test('answers when an append hangs, refuses what comes meanwhile, and accepts a late success', async () => {
  const { broker, log, timers, client } = await setUp()
  const other = await wireClient(broker)
  const producer = await initProducer(client, transactionalId)
  const late = Promise.withResolvers<void>()
  const reached = Promise.withResolvers<void>()
  log.fault = {
    after: (append) => {
      if (nextStateOf(append) !== 'Ongoing') return Promise.resolve()
      reached.resolve()
      return late.promise
    },
  }
  const added = addPartition(client, producer)
  await reached.promise
  expect(await addPartition(other, producer)).toBe(errors.CONCURRENT_TRANSACTIONS)
  expect(await end(other, producer, true)).toBe(errors.CONCURRENT_TRANSACTIONS)
  expect((await initProducer(other, transactionalId)).errorCode).toBe(errors.CONCURRENT_TRANSACTIONS)
  expect(await produce(other, producer, { value: 'early', sequence: 0 })).toBe(errors.INVALID_TXN_STATE)
  expect(timers.fire(WRITE_TIMEOUT_MS)).toBe(1)
  expect(await added).toBe(errors.COORDINATOR_NOT_AVAILABLE)
  expect(timers.waiting(TRANSACTION_TIMEOUT_MS)).toBe(0)
  late.resolve()
  await expect.poll(() => addPartition(client, producer)).toBe(0)
  expect(timers.waiting(TRANSACTION_TIMEOUT_MS)).toBe(1)
  expect(await produce(client, producer, { value: 'in time', sequence: 0 })).toBe(0)
  expect(await end(client, producer, true)).toBe(0)
  expect(await committedValues(client, 'out')).toEqual(['in time'])
})

test('serves one transactional id while the change of another hangs', async () => {
  const { broker, log, timers, client } = await setUp()
  const other = await wireClient(broker)
  const producer = await initProducer(client, transactionalId)
  const reached = Promise.withResolvers<void>()
  log.fault = {
    before: ({ entries }) => {
      if (entries[0]?.key[1] !== transactionalId) return Promise.resolve()
      reached.resolve()
      return new Promise<void>(() => undefined)
    },
  }
  const hanging = addPartition(client, producer)
  await reached.promise
  const second = await initProducer(other, 'another')
  expect(second.errorCode).toBe(0)
  const topics = [{ name: 'out', partitions: [0] }]
  const added = await other.call(apis.addPartitionsToTxn, { transactionalId: 'another', ...second, topics })
  expect(added.results[0]?.results[0]?.errorCode).toBe(0)
  timers.fire(WRITE_TIMEOUT_MS)
  expect(await hanging).toBe(errors.COORDINATOR_NOT_AVAILABLE)
})

test('writes a marker again that was refused, and completes the transaction then', async () => {
  const timers = new ManualSchedule()
  let refuse = true
  const beforeMarker = () => (refuse ? Promise.reject(refusedBy()) : Promise.resolve())
  const client = await wireClient(await testBroker({ schedule: timers.schedule, beforeMarker }))
  await createTopic(client, 'out')
  const producer = await initProducer(client, transactionalId)
  expect(await addPartition(client, producer)).toBe(0)
  expect(await produce(client, producer, { value: 'a', sequence: 0 })).toBe(0)
  const ended = end(client, producer, true)
  await expect.poll(() => timers.waiting(RETRY_MS)).toBe(1)
  expect(timers.fire(500)).toBe(1)
  expect(await ended).toBe(0)
  expect(await committedValues(client, 'out')).toEqual([])
  refuse = false
  expect(timers.fire(RETRY_MS)).toBe(1)
  await expect.poll(() => committedValues(client, 'out')).toEqual(['a'])
  await expect.poll(() => addPartition(client, producer)).toBe(0)
})

test.each([
  { state: 'Ongoing', how: 'at once', options: {} },
  { state: 'CompleteCommit', how: 'at once', options: {} },
  { state: 'Ongoing', how: 'in steps', options: inSteps },
  { state: 'PrepareCommit', how: 'in steps', options: inSteps },
  { state: 'CompleteCommit', how: 'in steps', options: inSteps },
])(
  'says nothing that a kill would take back while $state is not durable yet, of a transaction that ends $how',
  async ({ state, how, options }) => {
    const { dataDir, log, broker, client } = await setUp({}, options)
    const producer = await initProducer(client, transactionalId)
    const reached = Promise.withResolvers<void>()
    const held = new Promise<void>(() => undefined)
    log.fault = {
      before: (append) => {
        if (nextStateOf(append) !== state) return Promise.resolve()
        reached.resolve()
        return held
      },
    }
    const answers: number[] = []
    const run = async () => {
      answers.push(await addPartition(client, producer))
      answers.push(await produce(client, producer, { value: 'a', sequence: 0 }))
      answers.push(await end(client, producer, true))
    }
    const running = expect(run()).rejects.toThrow('the connection closed')
    await reached.promise
    const said = [...answers]
    const visible = state === 'CompleteCommit' && how === 'in steps' ? ['a'] : []
    expect(said).toEqual(state === 'Ongoing' ? [] : [0, 0])
    await expect.poll(async () => committedValues(await wireClient(broker), 'out')).toEqual(visible)
    expect(await valuesAfterKill(dataDir)).toEqual([...visible, 'next'])
    client.close()
    await running
  },
)

function journalOf(dataDir: string): { readonly path: string; readonly bytes: number } {
  const name = readdirSync(dataDir).findLast((file) => file.startsWith('journal-')) ?? ''
  const path = join(dataDir, name)
  return { path, bytes: statSync(path).size }
}

/** Which parts of a transaction over two topics and the offsets of a group are visible. */
async function inForce(dataDir: string) {
  const client = await wireClient(await testBroker({ dataDir }))
  const { groups } = await client.call(apis.offsetFetch, {
    groups: [{ groupId: 'g', topics: [{ name: 'in', partitionIndexes: [0] }] }],
    requireStable: false,
  })
  return {
    out: await committedValues(client, 'out'),
    more: await committedValues(client, 'more'),
    offset: groups[0]?.topics[0]?.partitions[0]?.committedOffset,
    state: (await stateOf(client))?.transactionState,
  }
}

test('ends a transaction as a whole or not, at whichever place a crash cuts the journal', async () => {
  const { dataDir, client } = await setUp()
  await createTopic(client, 'more')
  await createTopic(client, 'in')
  const producer = await initProducer(client, transactionalId)
  const topics = ['out', 'more'].map((name) => ({ name, partitions: [0] }))
  await client.call(apis.addPartitionsToTxn, { transactionalId, ...producer, topics })
  for (const { name } of topics) {
    const produced = { ...producer, transactionalId, sequence: 0 }
    expect(await produceOne(client, { topic: name, value: 'a' }, produced)).toBe(0)
  }
  expect(await addOffsets(client, producer)).toBe(0)
  await client.call(apis.txnOffsetCommit, {
    transactionalId,
    groupId: 'g',
    ...producer,
    topics: [{ name: 'in', partitions: [{ partitionIndex: 0, committedOffset: 7, committedMetadata: '' }] }],
  })
  const before = journalOf(dataDir).bytes
  expect(await end(client, producer, true)).toBe(0)
  const { bytes } = journalOf(dataDir)
  for (const left of [before, before + 1, Math.floor((before + bytes) / 2), bytes - 1]) {
    const copy = crashCopy(dataDir)
    truncateSync(journalOf(copy).path, left)
    expect(await inForce(copy)).toEqual({ out: [], more: [], offset: -1, state: 'Ongoing' })
  }
  expect(await inForce(crashCopy(dataDir))).toEqual({ out: ['a'], more: ['a'], offset: 7, state: 'CompleteCommit' })
})

test('forgets a transactional id that had no transaction for the time of its setting, and no other', async () => {
  const timers = new ManualSchedule()
  let now = Date.now()
  const config = { transactionalIdExpirationMs: 60_000 }
  const dataDir = temporaryFolder()
  const broker = await testBroker({ dataDir, schedule: timers.schedule, clock: { now: () => now }, config })
  const client = await wireClient(broker)
  await createTopic(client, 'out')
  const open = await initProducer(client, transactionalId)
  expect(await addPartition(client, open)).toBe(0)
  expect((await initProducer(client, 'idle')).errorCode).toBe(0)
  now += 59_999
  expect((await initProducer(client, 'young')).errorCode).toBe(0)
  timers.fire(3_600_000)
  const ids = async (from: WireClient) => {
    const { transactionStates } = await from.call(apis.listTransactions, { stateFilters: [], producerIdFilters: [] })
    return transactionStates.map(({ transactionalId: id }) => id)
  }
  expect(await ids(client)).toEqual([transactionalId, 'idle', 'young'])
  now += 1
  expect(timers.fire(3_600_000)).toBe(1)
  await expect.poll(() => ids(client)).toEqual([transactionalId, 'young'])
  expect(await ids(await wireClient(await testBroker({ dataDir: crashCopy(dataDir) })))).toEqual([
    transactionalId,
    'young',
  ])
})

test('takes no more new ids from one address than its share, and takes those of another meanwhile', async () => {
  const broker = await testBroker({ config: { maxTransactionalIds: 4, maxTransactionalIdsPerClient: 2 } })
  const greedy = await wireClient(broker)
  const other = await wireClient(broker, '127.0.0.2')
  const init = async (client: WireClient, id: string) => (await initProducer(client, id)).errorCode
  expect([await init(greedy, 'a'), await init(greedy, 'b')]).toEqual([0, 0])
  expect(await init(greedy, 'c')).toBe(errors.COORDINATOR_NOT_AVAILABLE)
  expect(await init(greedy, 'a')).toBe(0)
  expect([await init(other, 'd'), await init(other, 'e')]).toEqual([0, 0])
  expect(await init(await wireClient(broker, '127.0.0.3'), 'f')).toBe(errors.COORDINATOR_NOT_AVAILABLE)
})

test('counts a new id from its request on, and no more when its state was refused', async () => {
  const { log, client } = await setUp({ maxTransactionalIdsPerClient: 3 })
  const init = async (id: string) => (await initProducer(client, id)).errorCode
  log.fault = { before: () => Promise.reject(refusedBy()) }
  for (const id of ['x', 'y', 'z']) expect(await init(id)).toBe(errors.COORDINATOR_NOT_AVAILABLE)
  log.fault = {}
  // Those that were asked for at once were counted only when they were durable: all of them got in.
  const codes = await Promise.all(Array.from({ length: 20 }, (_, index) => init(`many-${index}`)))
  expect(codes.filter((code) => code === errors.NONE)).toHaveLength(3)
})
