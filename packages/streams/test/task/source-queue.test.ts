import { expect, it } from 'vitest'
import { SourceQueue } from '../../src/task/source-queue.ts'

const record = (offset: number) => {
  return { topic: 'commands', partition: 0, offset, timestamp: 0, key: null, value: null, headers: [] }
}

it('has reached a table for what was there when the wait for it began, and for nothing that came later', () => {
  const source = { topic: 'commands', priority: 0, onError: 'stop', process: () => undefined } as const
  const queue = new SourceQueue(source, { offset: 0, time: 0 })
  queue.add({ records: [0, 1, 2].map(record), position: 3 })
  const wait = queue.block(record(0), { waitFor: 'people', timeoutMs: 1_000 })
  queue.add({ records: [record(3)], position: 4 })
  const reached = (table: string) => [1, 2, 3].filter((offset) => queue.hasReached(record(offset), table))
  expect(reached('people')).toEqual([])
  wait.outcome = 'timed-out'
  expect(reached('people')).toEqual([])
  wait.outcome = 'reached'
  expect(reached('people')).toEqual([1, 2])
  expect(reached('names')).toEqual([])
})
