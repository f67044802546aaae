import { partitionForKey, type ReceivedRecord } from '@streampay/kafka'
import { memoryStore } from '@streampay/local-store/memory'
import { describe, expect, it } from 'vitest'
import { LocalState } from '../../src/state/local-state.ts'
import { Task } from '../../src/task/task.ts'
import type { Topology } from '../../src/topology/topology.ts'
import { text } from '../support/bank.ts'

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

/** Ten records with only a header of 100,000 bytes. */
function records(): ReceivedRecord[] {
  const headers = [['h', Buffer.alloc(100_000)]] as const
  return Array.from({ length: 10 }, (_, offset) => {
    return { topic: 'in', partition: 0, offset, timestamp: 1, key: null, value: null, headers }
  })
}

// Headers were not counted: a few thousand records with large ones were fetched into memory, and dead-lettered in one batch.
describe('the headers of a record', () => {
  const state = new LocalState(memoryStore(), { maxCacheBytes: 1_000 })
  const bounds = { partitionCount: 1, maxRecordBytes: 1_000_000 }
  const task = new Task({ topology, task: 0, state, tables: new Map(), ...bounds })
  task.start({ sources: new Map(), streamTime: 0 })
  const queue = task.queue('in')
  queue?.add({ records: records(), position: 10 })

  it('count for what is queued', () => {
    expect(queue?.queuedBytes).toBe(10 * 100_001)
  })

  it('count for what a batch may write', () => {
    task.run({ records: 1_000, bytes: 250_000 })
    expect(task.endBatch('me')?.deadLetters).toBe(3)
  })
})

describe('what a record writes to another task', () => {
  it('counts for what the batch of its own may write', () => {
    const big = { topic: 'big', value: text }
    const visiting: Topology = {
      ...topology,
      sources: [
        {
          topic: 'in',
          priority: 0,
          onError: 'stop',
          process(_, context) {
            context.taskOf('eve')?.send(big, { key: 'eve', value: 'x'.repeat(100_000) })
            return undefined
          },
        },
      ],
      sinks: [big],
    }
    const state = new LocalState(memoryStore(), { maxCacheBytes: 1_000 })
    const [task, other] = ['ann', 'eve'].map((name) => {
      const number = partitionForKey(name, 4)
      const bounds = { partitionCount: 4, maxRecordBytes: 1_000_000 }
      const made = new Task({ topology: visiting, task: number, state, tables: new Map(), ...bounds })
      made.start({ sources: new Map(), streamTime: 0 })
      return made
    })
    if (task === undefined || other === undefined) throw new Error('there are two')
    for (const one of [task, other]) one.meet(new Map([task, other].map((each) => [each.number, each])))
    const small = records().map((record) => ({ ...record, headers: [] }))
    task.queue('in')?.add({ records: small, position: 10 })
    task.run({ records: 1_000, bytes: 250_000 })
    expect(task.endBatch('me')?.processed).toBe(3)
    expect(other.endBatch('me')?.records.filter(({ topic }) => topic === 'big')).toHaveLength(3)
  })
})
