/** What a batch of a partition is at its first attempt: a later one goes by what the first has left. */
import { expect, it, vi } from 'vitest'
import { KafkaError } from '../src/index.ts'
import { PartitionQueue } from '../src/producer/partition-queue.ts'
import { PendingSend } from '../src/producer/pending-send.ts'
import { readBatchHeader } from '../src/wire/index.ts'

function queueOf(...texts: readonly string[]): PartitionQueue {
  const queue = new PartitionQueue('t', 0, 1000)
  for (const text of texts) {
    const record = { timestamp: 1, key: null, value: Buffer.from(text) }
    queue.push({ record, bytes: 10, send: new PendingSend(1), index: 0, deadline: 500 })
  }
  return queue
}

it('nothing is in flight, and nothing may be on the log, before anything was sent', () => {
  const queue = queueOf('a')
  expect(queue.inFlight).toBe(false)
  expect(queue.take()).toMatchObject({ encoded: null, attempt: 0, mayBeWritten: false })
})

// Without its epoch, the log cannot tell it from one of a fenced producer.
it('a batch is of the epoch of its producer', () => {
  const queue = queueOf('a')
  queue.identify({ producerId: 7, producerEpoch: 3 })
  expect(readBatchHeader(queue.encode(queue.take(), false))).toMatchObject({ producerId: 7, producerEpoch: 3 })
})

it('a batch of two records that is too large for the log is sent as two', () => {
  const queue = queueOf('a', 'b')
  expect(queue.split(queue.take())).toBe(true)
  expect(queue.take().records.map(({ record }) => String(record.value))).toEqual(['a'])
})

it('no error is made while the time of no record is up', () => {
  const error = vi.fn(() => new KafkaError('KAFKA_TIMEOUT', 'too late'))
  expect(queueOf('a').expire(error, 499)).toBe(0)
  expect(queueOf().expire(error)).toBe(0)
  expect(error).not.toHaveBeenCalled()
})
