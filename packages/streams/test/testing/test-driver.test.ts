import { describe, expect, it } from 'vitest'
import type { Topology } from '../../src/index.ts'
import { openTestDriver, type TestDriver } from '../../src/testing/test-driver.ts'
import { type Account, bankTopology, json, text } from '../support/bank.ts'

const open = () => openTestDriver(bankTopology(), { partitionCount: 4 })
const pay = (from: string, to: string, amount: unknown) => ({ topic: 'commands', key: from, value: { to, amount } })
const balanceOf = (driver: TestDriver, name: string) =>
  driver.store<Account>('accounts', driver.taskOf(name)).get(name)?.balance
const texts = (driver: TestDriver, topic: string) => driver.records(topic).map((record) => record.value?.toString())

/** Ann and Bob belong to different tasks of four. */
const [ann, bob] = ['ann', 'eve']

describe('the test driver', () => {
  it('processes a record, returns what it wrote, and feeds internal topics back on settle', () => {
    const driver = open()
    const written = driver.pipe(pay(ann, bob, 30))
    expect(written.map((record) => record.topic)).toEqual([
      'transfers',
      'replies',
      'bank-accounts-changelog',
      'bank-positions-changelog',
    ])
    expect(balanceOf(driver, ann)).toBe(70)
    expect(balanceOf(driver, bob)).toBeUndefined()
    driver.settle()
    expect(balanceOf(driver, bob)).toBe(130)
    expect(texts(driver, 'replies')).toEqual(['paid'])
  })

  it('gives written records the log time of the record that caused them, and changelog records the headers of the store', () => {
    const driver = open()
    const written = driver.pipe({ ...pay(ann, bob, 30), timestamp: 1_234 })
    expect(written.every((record) => record.timestamp === 1_234)).toBe(true)
    expect(written.find((record) => record.topic === 'bank-accounts-changelog')?.headers).toEqual({ owner: ann })
  })

  it('rolls everything back when a batch aborts, and processes the records again', () => {
    const driver = open()
    driver.pipe(pay(ann, bob, 10))
    expect(driver.pipe([pay(ann, bob, 20), pay(ann, bob, 30)], { abort: true })).toEqual([])
    expect(balanceOf(driver, ann)).toBe(90)
    expect(texts(driver, 'replies')).toEqual(['paid'])
    driver.settle()
    expect(balanceOf(driver, ann)).toBe(40)
    expect(balanceOf(driver, bob)).toBe(160)
    expect(texts(driver, 'replies')).toEqual(['paid', 'paid', 'paid'])
  })

  it('dead-letters a record that throws, undoes its effects alone, and lets the topology still answer it', () => {
    const driver = open()
    const written = driver.pipe([pay(ann, bob, 10), pay(ann, bob, 1_000), pay(ann, bob, 5)])
    expect(balanceOf(driver, ann)).toBe(85)
    expect(texts(driver, 'replies')).toEqual(['paid', 'insufficient funds: 90', 'paid'])
    const letter = written.find((record) => record.topic === 'dead-letters')
    expect(letter).toMatchObject({ key: ann, json: { to: bob, amount: 1_000 } })
    expect(letter?.headers).toEqual({
      origin: `commands/${driver.taskOf(ann)}/1`,
      reason: 'insufficient funds: 90',
      stack: expect.stringMatching(/^Error: insufficient funds: 90\n\s+at .*bank\.ts/),
    })
  })

  it('dead-letters bytes that cannot be decoded, keeping them as they were', () => {
    const driver = open()
    driver.pipe({ topic: 'commands', key: ann, value: '{"to":', headers: { reason: 'forged', other: 'kept' } })
    const [letter] = driver.records('dead-letters')
    expect(letter?.value?.toString()).toBe('{"to":')
    expect(letter?.headers.other).toBe('kept')
    expect(letter?.headers.reason).not.toBe('forged')
  })

  it('cuts a dead letter that would be too large to write, and says how large it was', () => {
    const driver = open()
    driver.pipe({ topic: 'commands', key: ann, value: 'x'.repeat(1_040_000) })
    const [letter] = driver.records('dead-letters')
    expect(letter?.value?.length).toBeLessThan(1_000_000)
    expect(letter?.headers.truncated).toBe(String(1_040_000 + ann.length))
  })

  it('stops on a record of the ledger that cannot be processed, naming its coordinates', () => {
    const driver = open()
    expect(() => driver.pipe({ topic: 'transfers', key: bob, value: 'garbage' })).toThrow(
      `The record at transfers/${driver.taskOf(bob)}/0 could not be processed`,
    )
  })

  it('takes sources of a lower priority number first, each in its order', () => {
    const seen: string[] = []
    const source = (topic: string, priority: number): Topology['sources'][number] => ({
      topic,
      priority,
      onError: 'stop',
      process: (record) => {
        seen.push(`${topic}:${record.value?.toString()}`)
        return undefined
      },
    })
    const sources = [source('late', 2), source('first', 0), source('middle', 1)]
    const topology = { applicationId: 'order', sources, stores: [], tables: [], sinks: [] }
    const driver = openTestDriver(topology, { partitionCount: 1 })
    driver.pipe(['late', 'first', 'late', 'middle'].map((topic, i) => ({ topic, key: 'k', value: String(i) })))
    expect(seen).toEqual(['first:1', 'middle:3', 'late:0', 'late:2'])
  })
})

describe('waiting for a global table', () => {
  const checked = (to: string) => ({ ...pay(ann, to, 10), headers: { check: 'yes' } })

  it('calls the processor again once the table has caught up', () => {
    const driver = open()
    driver.holdTable('owners')
    driver.pipe({ topic: 'owners', key: bob, value: '"Bob"' })
    driver.pipe([checked(bob), pay(ann, bob, 1)])
    expect(texts(driver, 'replies'), 'the partition stands still, later records too').toEqual([])
    driver.pipe({ topic: 'transfers', key: ann, value: { account: ann, amount: 7 } })
    expect(balanceOf(driver, ann), 'other sources of the task go on').toBe(107)
    driver.releaseTable('owners')
    expect(texts(driver, 'replies')).toEqual(['paid', 'paid'])
    expect(balanceOf(driver, ann)).toBe(96)
  })

  // The time of a record that waited was kept when its effects were undone: records from other sources meanwhile were
  // decided by the time of a record that no commit covers.
  it('does not let the time of a record that waits count until it is processed', () => {
    const driver = open()
    const timesOf = (written: ReturnType<TestDriver['pipe']>) =>
      new Set(written.flatMap(({ topic, timestamp }) => (topic === 'bank-positions-changelog' ? [timestamp] : [])))
    driver.holdTable('owners')
    driver.pipe({ ...checked(bob), timestamp: 9_000 })
    const meanwhile = driver.pipe({
      topic: 'transfers',
      key: ann,
      value: { account: ann, amount: 7 },
      timestamp: 5_000,
    })
    expect(timesOf(meanwhile)).toEqual(new Set([5_000]))
    expect(timesOf(driver.timeOutWaits())).toEqual(new Set([9_000]))
  })

  it('calls the processor when the time is over', () => {
    const driver = open()
    driver.holdTable('owners')
    driver.pipe(checked(bob))
    driver.timeOutWaits()
    expect(texts(driver, 'replies')).toEqual(['timed-out'])
  })

  it('does not wait when the table has nothing to read', () => {
    const driver = open()
    driver.pipe(checked('nobody'))
    expect(texts(driver, 'replies')).toEqual(['reached'])
  })

  it('skips table records that cannot be decoded or are in a partition that is not their key’s', () => {
    const driver = open()
    driver.pipe({ topic: 'owners', key: bob, value: '"Bob"' })
    driver.pipe({ topic: 'owners', key: bob, value: '{' })
    driver.pipe({ topic: 'owners', key: bob, value: '"Mallory"', partition: (driver.taskOf(bob) + 1) % 4 })
    expect(driver.table('owners').get(bob)).toBe('Bob')
    driver.pipe({ topic: 'owners', key: bob, value: null })
    expect(driver.table('owners').get(bob)).toBeUndefined()
  })

  it('skips table records that the table’s definition does not accept, tombstones too', () => {
    const driver = open()
    driver.pipe({ topic: 'owners', key: bob, value: '"Bob"' })
    driver.pipe({ topic: 'owners', key: bob, value: '"nobody"' })
    driver.pipe({ topic: 'owners', key: bob, value: '"Mallory"', headers: { writer: 'mallory' } })
    driver.pipe({ topic: 'owners', key: bob, value: null, headers: { writer: 'mallory' } })
    expect(driver.table('owners').get(bob)).toBe('Bob')
  })
})

describe('stores', () => {
  it('write one changelog record for a key in a batch, the last, and are restored from them', () => {
    const driver = open()
    const written = driver.pipe([pay(ann, bob, 1), pay(ann, bob, 2)])
    expect(written.filter((record) => record.topic === 'bank-accounts-changelog').map((record) => record.json)).toEqual(
      [{ balance: 97, version: 2 }],
    )
    driver.restart()
    expect(balanceOf(driver, ann)).toBe(97)
    driver.settle()
    expect(balanceOf(driver, bob)).toBe(103)
  })

  it('process again after a restart what was aborted before it, and nothing else', () => {
    const driver = open()
    driver.pipe(pay(ann, bob, 1))
    driver.pipe(pay(ann, bob, 2), { abort: true })
    driver.restart()
    driver.settle()
    expect(balanceOf(driver, ann)).toBe(97)
    expect(balanceOf(driver, bob)).toBe(103)
  })

  it('undo a delete, and refuse values that are changed in place', () => {
    const topology: Topology = {
      applicationId: 'deletes',
      sources: [
        {
          topic: 'in',
          priority: 0,
          onError: 'dead-letter',
          process: (record, context) => {
            const store = context.store<{ list: string[] }>('store')
            const text = record.value?.toString() ?? ''
            if (text === 'put') store.set('k', { list: [] })
            if (text.startsWith('delete')) store.delete('k')
            if (text === 'delete and throw') throw new Error('no')
            if (text === 'mutate') store.get('k')?.list.push('x')
            return undefined
          },
        },
      ],
      stores: [{ name: 'store', value: json() }],
      tables: [],
      sinks: [],
      deadLetterTopic: 'dead-letters',
    }
    const driver = openTestDriver(topology, { partitionCount: 1 })
    driver.pipe(['put', 'delete and throw', 'mutate'].map((value) => ({ topic: 'in', key: 'k', value })))
    expect([...driver.store('store', 0).entries()]).toEqual([['k', { list: [] }]])
    expect(driver.records('dead-letters').map((record) => record.headers.reason)).toEqual([
      'no',
      expect.stringContaining('not extensible'),
    ])
    const deleted = driver.pipe({ topic: 'in', key: 'k', value: 'delete' })
    expect(deleted[0]).toMatchObject({ topic: 'deletes-store-changelog', key: 'k', value: null })
  })
})

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

describe('a context', () => {
  const misuse = (process: Topology['sources'][number]['process']): Topology => ({
    ...bankTopology('misuse'),
    sources: [{ topic: 'in', priority: 0, onError: 'dead-letter', process }],
  })
  const reasonOf = (topology: Topology, value = 'x') => {
    const driver = openTestDriver(topology, { partitionCount: 1 })
    driver.pipe({ topic: 'in', key: 'k', value })
    return driver.records('dead-letters')[0]?.headers.reason
  }
  const out = { topic: 'out', value: text, key: (value: string) => value.slice(0, 1) }
  const send = (key: string, value: string) => ({
    ...misuse((_, context) => {
      context.send(out, { key, value })
      return undefined
    }),
    sinks: [out],
  })

  it('refuses names that the topology does not have, and a second wait', () => {
    const elsewhere = '"out" is not among the sinks of the topology.'
    expect(reasonOf({ ...send('k', 'k'), sinks: [] })).toBe(elsewhere)
    // Another definition of the same topic may write values that readers of the topic don't accept.
    expect(reasonOf({ ...send('k', 'k'), sinks: [{ ...out }] })).toBe(elsewhere)
    expect(reasonOf(misuse((_, context) => void context.store('nothing')))).toBe('There is no store named "nothing".')
    expect(reasonOf(misuse((_, context) => void context.table('nothing')))).toBe(
      'There is no global table named "nothing".',
    )
    expect(reasonOf(misuse(() => ({ waitFor: 'nothing', timeoutMs: 1 })))).toContain('no global table named "nothing"')
    expect(reasonOf(misuse(() => ({ waitFor: 'owners', timeoutMs: 1 })))).toContain('a second wait')
  })

  it('refuses records that are too large as they are written, and keys that would read differently', () => {
    const refused = 'A record for "out" is refused:'
    const framed = 1_000_000 - 21 - 2 - 3 - 1
    expect(reasonOf(send('k', 'k'.repeat(framed)))).toBeUndefined()
    expect(reasonOf(send('k', 'k'.repeat(framed + 1)))).toBe(
      `${refused} it takes 1000001 bytes, and 1000000 are allowed.`,
    )
    expect(reasonOf(send('k', 'l'))).toBe(`${refused} its key is "k" instead of "l".`)
    expect(reasonOf(send('\ud800', '\ud800'))).toBe(`${refused} its key is not well-formed Unicode.`)
  })

  it('refuses writes after its processor returned', () => {
    let kept: (() => void) | undefined
    const driver = openTestDriver(
      misuse((_, context) => {
        kept = () => context.store('accounts').set('k', { balance: 0, version: 0 })
        return undefined
      }),
      { partitionCount: 1 },
    )
    driver.pipe({ topic: 'in', key: 'k', value: 'x' })
    expect(() => kept?.()).toThrow('came after its processor had returned')
  })
})
