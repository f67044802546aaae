/** The broker is killed in the middle of transactions, again and again; nothing is lost, doubled or incomplete. */
import { apis, errors } from '@streampay/kafka/wire'
import { expect, test } from 'vitest'
import { type BrokerProcess, startProcess } from './support/broker-process.ts'
import { committedValues } from './support/read-values.ts'
import {
  createTopic,
  initProducer,
  type Producer,
  produceOne,
  type WireClient,
  wireClient,
} from './support/test-broker.ts'
import { temporaryFolder } from './support/test-storage.ts'

const transactionalId = 'copier'
const kills = 4
const perLife = 25

/** Counts on from the committed offset: each transaction writes its number to two partitions and commits the next. */
async function copy(client: WireClient, producer: Producer, from: number, onCommitted: (count: number) => void) {
  for (let number = from, sequence = 0; ; number++, sequence++) {
    expect(await begin(client, producer)).toBe(0)
    await client.call(apis.addOffsetsToTxn, { transactionalId, ...producer, groupId: 'g' })
    const batch = { ...producer, transactionalId, sequence }
    const written = [0, 1].map((partition) =>
      produceOne(client, { topic: 'out', partition, value: `${number}` }, batch),
    )
    expect(await Promise.all(written)).toEqual([0, 0])
    await client.call(apis.txnOffsetCommit, {
      transactionalId,
      ...producer,
      groupId: 'g',
      topics: [{ name: 'in', partitions: [{ partitionIndex: 0, committedOffset: number + 1 }] }],
    })
    const { errorCode } = await client.call(apis.endTxn, { transactionalId, ...producer, committed: true }, 4)
    expect(errorCode).toBe(0)
    onCommitted(number + 1)
  }
}

/** The markers of the transaction before may not be written yet, on a machine that is busy. */
async function begin(client: WireClient, producer: Producer): Promise<number | undefined> {
  for (;;) {
    const topics = [{ name: 'out', partitions: [0, 1] }]
    const { results } = await client.call(apis.addPartitionsToTxn, { transactionalId, ...producer, topics })
    const errorCode = results[0]?.results[0]?.errorCode
    if (errorCode !== errors.CONCURRENT_TRANSACTIONS) return errorCode
  }
}

async function takeOver(client: WireClient): Promise<{ producer: Producer; from: number }> {
  for (;;) {
    const producer = await initProducer(client, transactionalId)
    if (producer.errorCode === errors.CONCURRENT_TRANSACTIONS) continue
    expect(producer.errorCode).toBe(0)
    const groups = [{ groupId: 'g', topics: [{ name: 'in', partitionIndexes: [0] }] }]
    const fetched = await client.call(apis.offsetFetch, { groups, requireStable: true })
    const offset = fetched.groups[0]?.topics[0]?.partitions[0]
    if (offset?.errorCode === errors.UNSTABLE_OFFSET_COMMIT) continue
    const { producerId, producerEpoch } = producer
    return { producer: { producerId, producerEpoch }, from: Math.max(0, offset?.committedOffset ?? 0) }
  }
}

test('keeps transactions whole when it is killed in the middle of them', { timeout: 120_000 }, async () => {
  const dataDir = temporaryFolder()
  const start = (): BrokerProcess => startProcess({ BROKER_DATA_DIR: dataDir })
  let broker = start()
  let client = await wireClient(await broker.ready)
  await createTopic(client, 'in')
  await createTopic(client, 'out', 2)
  let acknowledged = 0
  for (let life = 0; life < kills; life++) {
    const { producer, from } = await takeOver(client)
    expect(from).toBeGreaterThanOrEqual(acknowledged)
    const { child } = broker
    const copying = copy(client, producer, from, (count) => {
      acknowledged = count
      if (count >= from + perLife) child.kill('SIGKILL')
    })
    await expect(copying).rejects.toThrow('the connection closed')
    await broker.exited
    broker = start()
    client = await wireClient(await broker.ready)
  }
  const { from: count } = await takeOver(client)
  expect(count).toBeGreaterThanOrEqual(acknowledged)
  const all = Array.from({ length: count }, (_, index) => `${index}`)
  expect(await committedValues(client, 'out', 0)).toEqual(all)
  expect(await committedValues(client, 'out', 1)).toEqual(all)
})
