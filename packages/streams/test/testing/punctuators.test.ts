import { describe, expect, it } from 'vitest'
import type { Topology } from '../../src/index.ts'
import { openTestDriver } from '../../src/testing/test-driver.ts'
import { json, text } from '../support/bank.ts'

describe('punctuators', () => {
  const ticksSink = { topic: 'ticks', value: text }
  const topology = (failing = false): Topology => ({
    applicationId: 'clock',
    sources: [{ topic: 'in', priority: 0, onError: 'stop', process: () => undefined }],
    stores: [{ name: 'ticks', value: json<number>() }],
    tables: [],
    sinks: [ticksSink],
    punctuators: [
      {
        everyMs: 1_000,
        run: (streamTime, context) => {
          if (failing) throw new Error('broken clock')
          const ticks = context.store<number>('ticks')
          ticks.set('n', (ticks.get('n') ?? 0) + 1)
          context.send(ticksSink, { key: null, value: String(streamTime) })
        },
      },
    ],
  })
  const at = (timestamp: number) => ({ topic: 'in', key: 'k', value: '', timestamp })

  it('run by stream time, which never goes back, at the start of a batch', () => {
    const driver = openTestDriver(topology(), { partitionCount: 1 })
    for (const timestamp of [10_000, 10_500, 10_200, 11_600, 11_700]) driver.pipe(at(timestamp))
    expect(driver.records('ticks').map((record) => record.value?.toString())).toEqual(['10000', '11600'])
  })

  it('run again after an abort, with the writes of the aborted run undone', () => {
    const driver = openTestDriver(topology(), { partitionCount: 1 })
    driver.pipe(at(10_000))
    driver.pipe(at(10_500), { abort: true })
    expect(driver.store('ticks', 0).get('n')).toBeUndefined()
    driver.settle()
    expect(driver.store('ticks', 0).get('n')).toBe(1)
  })

  it('stop the task when they throw', () => {
    const driver = openTestDriver(topology(true), { partitionCount: 1 })
    driver.pipe(at(10_000))
    expect(() => driver.pipe(at(10_001))).toThrow('A punctuator of task 0 failed at 10000: broken clock')
  })
})
