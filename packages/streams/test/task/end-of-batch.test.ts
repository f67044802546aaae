import { AbortableError, type ReceivedRecord } from '@streampay/kafka'
import { afterEach, describe, expect, it } from 'vitest'
import { internalTopics, type ProcessorContext, type Topology } from '../../src/index.ts'
import { openTestDriver } from '../../src/testing/test-driver.ts'
import { text } from '../support/bank.ts'
import { closeAll, run, until } from '../support/simulated-bank.ts'
import { SimulatedLog } from '../support/simulated-log.ts'

afterEach(closeAll)

const sumsSink = { topic: 'sums', value: text }

/** Counts records and forwards one sum for each task and batch. "bad" throws after it was counted, "late" waits first. */
function countingTopology(changes: Partial<Topology> = {}): Topology {
  return {
    applicationId: 'counting',
    sources: [{ topic: 'in', priority: 0, onError: 'dead-letter', process: count }],
    stores: [],
    tables: [{ name: 'names', topic: 'names', value: { encode: String, decode: String } as never }],
    sinks: [sumsSink],
    deadLetterTopic: 'dead-letters',
    endOfBatch: (context) => {
      const sum = context.scratch<number>().get('sum')
      if (sum !== undefined) context.send(sumsSink, { key: 'sum', value: String(sum), partition: 0 })
    },
    ...changes,
  }
}

function count(record: ReceivedRecord, context: ProcessorContext) {
  const scratch = context.scratch<number>()
  scratch.set('sum', (scratch.get('sum') ?? 0) + 1)
  const text = record.value?.toString()
  if (text === 'bad') throw new Error('bad')
  if (text === 'late' && context.waited === undefined) return { waitFor: 'names', timeoutMs: 1_000 }
  return undefined
}

const records = (...values: string[]) => values.map((value) => ({ topic: 'in', key: 'k', value, timestamp: 5 }))
const open = (changes: Partial<Topology> = {}) => openTestDriver(countingTopology(changes), { partitionCount: 1 })
const sums = (driver: ReturnType<typeof open>) => driver.records('sums').map((record) => record.json)

describe('endOfBatch', () => {
  it('writes once for a batch, and begins each batch again', () => {
    const driver = open()
    driver.pipe(records('a', 'b', 'c'))
    driver.pipe(records('d'))
    expect(sums(driver)).toEqual([3, 1])
    expect(driver.records('sums')[0]?.timestamp).toBe(5)
  })

  it('runs once for each task that processed a record', () => {
    const driver = openTestDriver(countingTopology(), { partitionCount: 4 })
    driver.pipe([0, 0, 2].map((partition) => ({ topic: 'in', key: 'k', value: 'a', partition })))
    expect(sums(driver)).toEqual([2, 1])
  })

  it('counts nothing twice when the batch is aborted and runs again', () => {
    const driver = open()
    driver.pipe(records('a', 'b'), { abort: true })
    driver.pipe(records('c'))
    driver.settle()
    expect(sums(driver).reduce((total: number, sum) => total + Number(sum), 0)).toBe(3)
  })

  it('does not see the data of a dead-lettered record or one that waits', () => {
    const driver = open()
    driver.pipe(records('a', 'bad', 'b'))
    expect(sums(driver)).toEqual([2])
    driver.holdTable('names')
    driver.pipe(records('late', 'c'))
    expect(sums(driver)).toEqual([2])
    driver.releaseTable('names')
    expect(sums(driver)).toEqual([2, 2])
  })

  it('stops the task when it throws', () => {
    const driver = open({
      endOfBatch: () => {
        throw new Error('no end')
      },
    })
    expect(() => driver.pipe(records('a'))).toThrow('The end of a batch of task 0 failed at 5: no end')
  })

  it('is the last chance to write: a scratch or context that was kept throws', () => {
    let kept: (() => void) | undefined
    const driver = open({
      endOfBatch: (context) => {
        kept = () => context.scratch().set('sum', 1)
      },
    })
    driver.pipe(records('a'))
    expect(() => kept?.()).toThrow('A write to the scratch came after its processor had returned')
  })

  it('writes in the transaction of its batch, whose aborts double nothing', async () => {
    const topology = countingTopology()
    const names = ['in', 'names', 'sums', 'dead-letters', ...internalTopics(topology, 4).map(({ name }) => name)]
    const log = new SimulatedLog(names, 4)
    for (let i = 0; i < 10; i++) log.write({ topic: 'in', key: `k${i}`, value: 'a' })
    let aborts = 2
    run(log, {
      topology,
      hooks: {
        before: (step) => {
          if (step === 'commit' && aborts-- > 0) throw new AbortableError('the log asks for an abort')
        },
      },
    })
    const total = () => log.committed('sums').reduce((sum, { value }) => sum + Number(value?.toString()), 0)
    const read = () => [0, 1, 2, 3].map((partition) => log.committedOffset('counting', { topic: 'in', partition }))
    await until(log, () => read().reduce((sum, at) => sum + (at?.offset ?? 0), 0) === 10)
    expect(total()).toBe(10)
    expect(log.committed('sums').length).toBeLessThanOrEqual(4)
  })
})
