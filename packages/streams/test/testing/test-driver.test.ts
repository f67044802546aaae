import { describe, expect, it } from 'vitest'
import type { Topology } from '../../src/index.ts'
import { openTestDriver, type TestDriver } from '../../src/testing/test-driver.ts'
import { type Account, bankTopology, json } from '../support/bank.ts'

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
