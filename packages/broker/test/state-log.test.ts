import { expect, test } from 'vitest'
import { Offsets } from '../src/coordinators/offsets.ts'
import { openStateLog } from '../src/coordinators/state-log.ts'
import { TestClock, testStorage } from './support/test-storage.ts'

const topic = '__consumer_offsets'
const producer = { producerId: 1, producerEpoch: 0 }

/** As much as it takes for some megabytes, with a look for what to compact now and then; the bytes that a start would read. */
async function written(clock: TestClock): Promise<number> {
  const storage = await testStorage({ clock })
  const log = await openStateLog({ storage, topic, clock, wrap: null })
  const offsets = new Offsets(log, clock)
  for (let round = 0; round < 40; round++) {
    for (let offset = 0; offset < 20; offset++) {
      const commits = Array.from({ length: 40 }, (_, partition) => {
        return { topic: 'commands', partition, offset, leaderEpoch: 0, metadata: 'payments' }
      })
      await offsets.commitInTransaction('g', commits, producer)
      await log.partition.appendMarker({ ...producer, commit: true, coordinatorEpoch: 0 })
    }
    clock.time += 30_000
    await storage.maintain()
  }
  return log.partition.sizeBytes
}

// With the markers of a whole day, and up to three segments of 8 MiB, a start read what had been committed since the day before.
test('what a start reads of committed offsets stays within some megabytes, however many there were', async () => {
  expect(await written(new TestClock())).toBeLessThan(2 * 1024 * 1024)
})

test('a log of an older version gets the configuration of this one', async () => {
  const clock = new TestClock()
  const storage = await testStorage({ clock })
  await storage.createTopic({ name: topic, partitions: 1, config: { 'cleanup.policy': 'compact' } })
  await openStateLog({ storage, topic, clock, wrap: null })
  expect(storage.topic(topic)?.config).toMatchObject({ 'delete.retention.ms': '60000', 'segment.bytes': '1048576' })
})
