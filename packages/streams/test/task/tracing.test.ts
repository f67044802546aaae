import type { ReceivedRecord } from '@streampay/kafka'
import { describe, expect, it } from 'vitest'
import { headerText, type Topology } from '../../src/index.ts'
import { openTestDriver } from '../../src/testing/test-driver.ts'
import { bankTopology } from '../support/bank.ts'

/** They belong to different tasks of four. */
const [ann, eve] = ['ann', 'eve']

function opened(changes: Partial<Topology> = {}, together = false) {
  const processed: string[] = []
  const tracing = {
    carry: (record: ReceivedRecord) => {
      const trace = headerText(record.headers, 'trace')
      return trace === undefined ? undefined : { trace }
    },
    processed: ({ topic, headers }: ReceivedRecord) => processed.push(`${topic} ${headerText(headers, 'trace')}`),
  }
  return {
    processed,
    driver: openTestDriver({ ...bankTopology(), ...changes, tracing }, { partitionCount: 4, together }),
  }
}

const pay = (amount: number, trace?: string) => ({
  topic: 'commands',
  key: ann,
  value: { to: eve, amount },
  ...(trace === undefined ? {} : { headers: { trace } }),
})

describe('a record of a trace', () => {
  it('passes its headers on to all records that it causes, from task to task, and to nothing else', () => {
    const { driver, processed } = opened()
    const written = driver.pipe([pay(10), pay(20, 'one'), pay(30)])
    const traces = (topic: string) =>
      written.filter((record) => record.topic === topic).map(({ headers }) => headers.trace)
    expect(traces('transfers')).toEqual([undefined, 'one', undefined])
    expect(traces('replies')).toEqual([undefined, 'one', undefined])
    expect(traces('bank-accounts-changelog').filter(Boolean)).toEqual([])
    driver.settle()
    expect(processed).toEqual(['commands one', 'transfers one'])
  })

  it('that is undone, because it throws, is reported with its dead letter, and no later record has its headers', () => {
    const { driver, processed } = opened()
    const written = driver.pipe([pay(1_000, 'lost'), pay(5)])
    expect(written.filter(({ topic }) => topic === 'transfers').map(({ headers }) => headers.trace)).toEqual([
      undefined,
    ])
    expect(processed).toEqual(['commands lost'])
  })

  it('without an effect is not reported', () => {
    const [source, ...others] = bankTopology().sources
    if (source === undefined) throw new Error('there is no source')
    const { driver, processed } = opened({ sources: [{ ...source, process: () => undefined }, ...others] })
    driver.pipe({ ...pay(5, 'quiet'), topic: source.topic })
    expect(processed).toEqual([])
  })
})
