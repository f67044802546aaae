import type { ReceivedRecord } from '@streampay/kafka'
import { describe, expect, it } from 'vitest'
import { Task } from '../src/task.ts'
import type { Topology } from '../src/topology.ts'

const topology: Topology = {
  applicationId: 'bytes',
  sources: [
    {
      topic: 'in',
      priority: 0,
      onError: 'dead-letter',
      process() {
        throw new Error('no')
      },
    },
  ],
  stores: [],
  tables: [],
  sinks: [],
  deadLetterTopic: 'dead-letters',
}

/** Ten records of nothing but a header of 100,000 bytes. */
function records(): ReceivedRecord[] {
  const headers = [['h', Buffer.alloc(100_000)]] as const
  return Array.from({ length: 10 }, (_, offset) => {
    return { topic: 'in', partition: 0, offset, timestamp: 1, key: null, value: null, headers }
  })
}

// Headers counted nowhere: a few thousand records of large ones were fetched into memory, and dead-lettered in one batch.
describe('the headers of a record', () => {
  const task = new Task({ topology, task: 0, partitionCount: 1, tables: new Map(), maxRecordBytes: 1_000_000 })
  task.start({ sources: new Map(), streamTime: 0 })
  const queue = task.queue('in')
  queue?.add(records(), 10)

  it('count for what is queued', () => {
    expect(queue?.queuedBytes).toBe(10 * 100_001)
  })

  it('count for what a batch may write', () => {
    task.run({ records: 1_000, bytes: 250_000 })
    expect(task.endBatch('me')?.deadLetters).toBe(3)
  })
})
