/**
 * A process that writes a log through the log layer: transactions over 48 partitions, one in a hundred aborted. It tells
 * `filled` once so much is written, and goes on until it is ended: by SIGTERM cleanly.
 *
 *     log-fill-main.ts <folder> <gigabytes>
 */
import { setTimeout as delay } from 'node:timers/promises'
import { encodeBatch } from '@streampay/kafka/wire'
import type { Partition, Storage } from '../../packages/broker/src/log/index.ts'
import { openLog, partitionsOf } from '../support/log-layer.ts'

const topics = 12
const partitionsOfTopic = 4
const recordsOfBatch = 40
const partitionsOfTransaction = 10
const abortEvery = 100
const transactionsAtOnce = 16
const value = Buffer.alloc(250, 'payment ')

const [, , folder = '', gigabytes = ''] = process.argv
await fill(folder, Number(gigabytes))

async function fill(folder: string, gigabytes: number): Promise<void> {
  const storage = await openLog(folder)
  let isEnding = false
  process.once('SIGTERM', () => {
    isEnding = true
  })
  for (let topic = 0; topic < topics; topic++) {
    const name = `payments-${topic}`
    const config = { 'retention.ms': '-1' }
    if (!storage.topic(name)) await storage.createTopic({ name, partitions: partitionsOfTopic, config })
  }
  const before = partitionsOf(storage).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const size = () => partitionsOf(storage).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) - before
  const writers = Array.from({ length: transactionsAtOnce }, async () => {
    const producerId = await storage.nextProducerId()
    const sequences = new Map<Partition, number>()
    for (let count = 0; !isEnding; count++) {
      if (gigabytes > 0) await transaction(storage, { producerId, count, sequences })
      else await delay(10)
      if (count % 10 === 0 && size() >= gigabytes * 1e9) process.send?.({ type: 'filled' })
    }
  })
  await Promise.all(writers)
  await storage.close()
  process.disconnect?.()
}

async function transaction(
  storage: Storage,
  by: { readonly producerId: number; readonly count: number; readonly sequences: Map<Partition, number> },
): Promise<void> {
  const { producerId, count, sequences } = by
  const partitions = partitionsOf(storage)
  const first = (producerId + count) * partitionsOfTransaction
  const chosen = Array.from(
    { length: partitionsOfTransaction },
    (_, at) => partitions[(first + at) % partitions.length],
  )
  await Promise.all(
    chosen.map(async (partition) => {
      if (partition === undefined) return
      const baseSequence = sequences.get(partition) ?? 0
      sequences.set(partition, baseSequence + recordsOfBatch)
      const records = Array.from({ length: recordsOfBatch }, (_, at) => ({
        timestamp: Date.now(),
        key: Buffer.from(`account-${(count * recordsOfBatch + at) % 100_000}`),
        value,
      }))
      const batch = encodeBatch({ records, producerId, producerEpoch: 0, baseSequence, isTransactional: true })
      await partition.append(batch, 'client')
    }),
  )
  const commit = count % abortEvery !== abortEvery - 1
  const marker = { producerId, producerEpoch: 0, commit, coordinatorEpoch: 0 }
  await Promise.all(chosen.map((partition) => partition?.appendMarker(marker)))
}
