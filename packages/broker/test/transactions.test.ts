import { apis, errors } from '@streampay/kafka/wire'
import { expect, test } from 'vitest'
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

async function addPartition(client: WireClient, producer: Producer, topic: string, partition = 0): Promise<number> {
  const { results } = await client.call(apis.addPartitionsToTxn, {
    transactionalId,
    ...producer,
    topics: [{ name: topic, partitions: [partition] }],
  })
  return results[0]?.results[0]?.errorCode ?? -1
}

async function end(client: WireClient, producer: Producer, committed: boolean): Promise<number> {
  return (await client.call(apis.endTxn, { transactionalId, ...producer, committed }, 4)).errorCode
}

async function commitOffset(client: WireClient, producer: Producer, offset: number): Promise<number> {
  const added = await client.call(apis.addOffsetsToTxn, { transactionalId, ...producer, groupId: 'g' })
  if (added.errorCode !== 0) return added.errorCode
  const { topics } = await client.call(apis.txnOffsetCommit, {
    transactionalId,
    groupId: 'g',
    ...producer,
    topics: [{ name: 'in', partitions: [{ partitionIndex: 0, committedOffset: offset, committedMetadata: 'm' }] }],
  })
  return topics[0]?.partitions[0]?.errorCode ?? -1
}

async function committedOffset(client: WireClient, requireStable: boolean) {
  const { groups } = await client.call(apis.offsetFetch, {
    groups: [{ groupId: 'g', topics: [{ name: 'in', partitionIndexes: [0] }] }],
    requireStable,
  })
  return groups[0]?.topics[0]?.partitions[0]
}

async function setUp(options: Parameters<typeof testBroker>[0] = {}) {
  const broker = await testBroker(options)
  const client = await wireClient(broker)
  return { broker, client }
}

test('accepts no records after markers that are being written: late ones would hold back the last stable offset', async () => {
  // It was accepted, as the first record of a transaction that nothing ends.
  const { broker, client } = await setUp()
  const other = await wireClient(broker)
  await createTopic(client, 'out')
  const expected: string[] = []
  for (let round = 0; round < 30; round++) {
    const producer = { ...(await initProducer(client, transactionalId)), transactionalId }
    expect(await addPartition(client, producer, 'out')).toBe(0)
    expect(await produceOne(client, { topic: 'out', value: `${round}` }, { ...producer, sequence: 0 })).toBe(0)
    const [ended, late] = await Promise.all([
      end(client, producer, true),
      produceOne(other, { topic: 'out', value: `late ${round}` }, { ...producer, sequence: 1 }),
    ])
    expect([errors.NONE, errors.CONCURRENT_TRANSACTIONS, errors.INVALID_TXN_STATE]).toContain(late)
    expect(ended).toBe(0)
    // What was accepted came before the end.
    expected.push(`${round}`, ...(late === errors.NONE ? [`late ${round}`] : []))
    expect(await committedValues(client, 'out')).toEqual(expected)
  }
})

test('shows the records and offsets of a transaction from its commit on, all together', async () => {
  const { client } = await setUp()
  await createTopic(client, 'in')
  await createTopic(client, 'out', 2)
  const producer = await initProducer(client, transactionalId)
  expect(await addPartition(client, producer, 'out', 0)).toBe(0)
  expect(await addPartition(client, producer, 'out', 1)).toBe(0)
  const one = { ...producer, transactionalId, sequence: 0 }
  expect(await produceOne(client, { topic: 'out', partition: 0, value: 'a' }, one)).toBe(0)
  expect(await produceOne(client, { topic: 'out', partition: 1, value: 'b' }, one)).toBe(0)
  expect(await commitOffset(client, producer, 7)).toBe(0)
  expect(await committedValues(client, 'out', 0)).toEqual([])
  expect((await committedOffset(client, true))?.errorCode).toBe(errors.UNSTABLE_OFFSET_COMMIT)
  expect((await committedOffset(client, false))?.committedOffset).toBe(-1)

  expect(await end(client, producer, true)).toBe(0)

  expect(await committedValues(client, 'out', 0)).toEqual(['a'])
  expect(await committedValues(client, 'out', 1)).toEqual(['b'])
  expect(await committedOffset(client, true)).toMatchObject({ committedOffset: 7, metadata: 'm', errorCode: 0 })
})

test('forgets the records and offsets of an aborted transaction', async () => {
  const { client } = await setUp()
  await createTopic(client, 'in')
  await createTopic(client, 'out')
  const producer = await initProducer(client, transactionalId)
  await addPartition(client, producer, 'out')
  await produceOne(client, { topic: 'out', value: 'lost' }, { ...producer, transactionalId, sequence: 0 })
  await commitOffset(client, producer, 7)
  expect(await end(client, producer, false)).toBe(0)
  await addPartition(client, producer, 'out')
  await produceOne(client, { topic: 'out', value: 'kept' }, { ...producer, transactionalId, sequence: 1 })
  expect(await end(client, producer, true)).toBe(0)
  expect(await committedValues(client, 'out')).toEqual(['kept'])
  expect(await committedOffset(client, true)).toMatchObject({ committedOffset: -1, errorCode: 0 })
})

test('repeats the answer to EndTxn and refuses the other outcome', async () => {
  const { client } = await setUp()
  await createTopic(client, 'out')
  const producer = await initProducer(client, transactionalId)
  expect(await end(client, producer, true)).toBe(errors.INVALID_TXN_STATE)
  await addPartition(client, producer, 'out')
  expect(await end(client, producer, true)).toBe(0)
  expect(await end(client, producer, true)).toBe(0)
  expect(await end(client, producer, false)).toBe(errors.INVALID_TXN_STATE)
})

test('aborts the open transaction of the id’s previous producer, and fences it', async () => {
  const { client } = await setUp()
  await createTopic(client, 'out')
  const zombie = await initProducer(client, transactionalId)
  await addPartition(client, zombie, 'out')
  await produceOne(client, { topic: 'out', value: 'zombie' }, { ...zombie, transactionalId, sequence: 0 })

  const successor = await initProducer(client, transactionalId)

  expect(successor.errorCode).toBe(0)
  expect(successor.producerId).toBe(zombie.producerId)
  expect(successor.producerEpoch).toBeGreaterThan(zombie.producerEpoch)
  expect(await end(client, zombie, true)).toBe(errors.PRODUCER_FENCED)
  expect(await addPartition(client, zombie, 'out')).toBe(errors.PRODUCER_FENCED)
  const late = { ...zombie, transactionalId, sequence: 1 }
  expect(await produceOne(client, { topic: 'out', value: 'late' }, late)).toBe(errors.INVALID_PRODUCER_EPOCH)
  expect(await committedValues(client, 'out')).toEqual([])
  await addPartition(client, successor, 'out')
  const first = { ...successor, transactionalId, sequence: 0 }
  expect(await produceOne(client, { topic: 'out', value: 'new' }, first)).toBe(0)
  expect(await end(client, successor, true)).toBe(0)
  expect(await committedValues(client, 'out')).toEqual(['new'])
})

test('gives a producer that names itself the next epoch, repeats a lost answer, and fences an old one', async () => {
  const { client } = await setUp()
  const init = (producer: Producer) =>
    client.call(apis.initProducerId, { transactionalId, transactionTimeoutMs: 1000, ...producer })
  const first = await initProducer(client, transactionalId)
  const second = await init(first)
  expect(second).toMatchObject({ errorCode: 0, producerEpoch: first.producerEpoch + 1 })
  expect(await init(first)).toMatchObject({ errorCode: 0, producerEpoch: second.producerEpoch })
  const third = await initProducer(client, transactionalId)
  expect(third.producerEpoch).toBe(second.producerEpoch + 1)
  expect(await init(second)).toMatchObject({ errorCode: errors.PRODUCER_FENCED })
})

test('refuses a batch in a partition that is not part of the transaction', async () => {
  const { client } = await setUp()
  await createTopic(client, 'out')
  const producer = await initProducer(client, transactionalId)
  const batch = { ...producer, transactionalId, sequence: 0 }
  expect(await produceOne(client, { topic: 'out', value: 'x' }, batch)).toBe(errors.INVALID_TXN_STATE)
  expect(await addPartition(client, producer, 'nowhere')).toBe(errors.UNKNOWN_TOPIC_OR_PARTITION)
})

test('refuses timeouts and ids that cannot be', async () => {
  const { client } = await setUp({ config: { transactionMaxTimeoutMs: 5000 } })
  const init = async (id: string | null, transactionTimeoutMs: number) =>
    (await client.call(apis.initProducerId, { transactionalId: id, transactionTimeoutMs })).errorCode
  expect(await init('x', 5000)).toBe(0)
  expect(await init('x', 5001)).toBe(errors.INVALID_TRANSACTION_TIMEOUT)
  expect(await init('x', 0)).toBe(errors.INVALID_TRANSACTION_TIMEOUT)
  expect(await init('', 1000)).toBe(errors.INVALID_REQUEST)
  expect(await init(null, 0)).toBe(0)
  const stranger = { producerId: 4711, producerEpoch: 0 }
  expect(await end(client, stranger, true)).toBe(errors.INVALID_PRODUCER_ID_MAPPING)
})

test('aborts a transaction that is open for longer than its timeout, and fences its producer', async () => {
  const timers = new ManualSchedule()
  const now = 1_000_000
  const { client } = await setUp({ schedule: timers.schedule, clock: { now: () => now } })
  await createTopic(client, 'out')
  const producer = await initProducer(client, transactionalId)
  await addPartition(client, producer, 'out')
  await produceOne(client, { topic: 'out', value: 'late' }, { ...producer, transactionalId, sequence: 0 })
  expect(timers.fire(10_000)).toBe(1)
  const code = await untilNot(errors.CONCURRENT_TRANSACTIONS, () => end(client, producer, true))
  expect(code).toBe(errors.PRODUCER_FENCED)
  expect(await committedValues(client, 'out')).toEqual([])
})

test('answers CONCURRENT_TRANSACTIONS while markers are being written, and continues afterwards', async () => {
  const timers = new ManualSchedule()
  const marker = Promise.withResolvers<void>()
  const reached = Promise.withResolvers<void>()
  const beforeMarker = async () => {
    reached.resolve()
    await marker.promise
  }
  const { client, broker } = await setUp({ beforeMarker, schedule: timers.schedule })
  const other = await wireClient(broker)
  await createTopic(client, 'out')
  const producer = await initProducer(client, transactionalId)
  await addPartition(client, producer, 'out')
  await produceOne(client, { topic: 'out', value: 'a' }, { ...producer, transactionalId, sequence: 0 })
  const ended = end(client, producer, true)
  await reached.promise
  expect(await addPartition(other, producer, 'out')).toBe(errors.CONCURRENT_TRANSACTIONS)
  expect((await initProducer(other, transactionalId)).errorCode).toBe(errors.CONCURRENT_TRANSACTIONS)
  expect(await end(other, producer, false)).toBe(errors.INVALID_TXN_STATE)
  expect(await committedValues(other, 'out')).toEqual([])
  marker.resolve()
  expect(await ended).toBe(0)
  expect(await committedValues(other, 'out')).toEqual(['a'])
  expect(await addPartition(other, producer, 'out')).toBe(0)
})

test('finishes at start what was decided but not marked when the broker went away', async () => {
  const dataDir = temporaryFolder()
  const reached = Promise.withResolvers<void>()
  const timers = new ManualSchedule()
  const beforeMarker = (step: { topic: string; partition: number }) => {
    if (step.topic === 'out' && step.partition === 0) return Promise.resolve()
    reached.resolve()
    return new Promise<void>(() => undefined)
  }
  const first = await testBroker({ dataDir, beforeMarker, schedule: timers.schedule })
  const client = await wireClient(first)
  await createTopic(client, 'in')
  await createTopic(client, 'out', 2)
  const producer = await initProducer(client, transactionalId)
  await addPartition(client, producer, 'out', 0)
  await addPartition(client, producer, 'out', 1)
  const batch = { ...producer, transactionalId, sequence: 0 }
  await produceOne(client, { topic: 'out', partition: 0, value: 'a' }, batch)
  await produceOne(client, { topic: 'out', partition: 1, value: 'b' }, batch)
  await commitOffset(client, producer, 9)
  const unanswered = expect(end(client, producer, true)).rejects.toThrow('the connection closed')
  await reached.promise
  await first.close()
  await unanswered

  const again = await wireClient(await testBroker({ dataDir }))
  expect(await untilNot(errors.CONCURRENT_TRANSACTIONS, () => end(again, producer, true))).toBe(0)
  expect(await committedValues(again, 'out', 0)).toEqual(['a'])
  expect(await committedValues(again, 'out', 1)).toEqual(['b'])
  expect(await committedOffset(again, true)).toMatchObject({ committedOffset: 9, errorCode: 0 })
})

test('keeps an open transaction, its pending offsets and its producer over a restart', async () => {
  const dataDir = temporaryFolder()
  const first = await testBroker({ dataDir })
  const client = await wireClient(first)
  await createTopic(client, 'in')
  await createTopic(client, 'out')
  const producer = await initProducer(client, transactionalId)
  await addPartition(client, producer, 'out')
  await produceOne(client, { topic: 'out', value: 'a' }, { ...producer, transactionalId, sequence: 0 })
  await commitOffset(client, producer, 3)
  await first.close()

  const again = await wireClient(await testBroker({ dataDir }))
  expect((await committedOffset(again, true))?.errorCode).toBe(errors.UNSTABLE_OFFSET_COMMIT)
  const next = { ...producer, transactionalId, sequence: 1 }
  expect(await produceOne(again, { topic: 'out', value: 'b' }, next)).toBe(0)
  expect(await end(again, producer, true)).toBe(0)
  expect(await committedValues(again, 'out')).toEqual(['a', 'b'])
  expect(await committedOffset(again, true)).toMatchObject({ committedOffset: 3 })
})

/** Repeats a request to the broker until the answer is another one. */
async function untilNot(code: number, ask: () => Promise<number>): Promise<number> {
  for (;;) {
    const answer = await ask()
    if (answer !== code) return answer
  }
}
