import { describe, expect, it } from 'vitest'
import { openTestDriver, type TestDriver } from '../../src/testing/test-driver.ts'
import { type Account, bankTopology } from '../support/bank.ts'

const open = () => openTestDriver(bankTopology(), { partitionCount: 4 })
const pay = (from: string, to: string, amount: unknown) => ({ topic: 'commands', key: from, value: { to, amount } })
const balanceOf = (driver: TestDriver, name: string) =>
  driver.store<Account>('accounts', driver.taskOf(name)).get(name)?.balance
const texts = (driver: TestDriver, topic: string) => driver.records(topic).map((record) => record.value?.toString())

/** Ann and Bob belong to different tasks of four. */
const [ann, bob] = ['ann', 'eve']

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
