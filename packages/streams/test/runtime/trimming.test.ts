import { afterEach, describe, expect, it } from 'vitest'
import type { CommitStep } from '../../src/index.ts'
import { bankLog, closeAll, expectExactlyOnce, payment, quiet, run, until } from '../support/simulated-bank.ts'
import type { SimulatedLog } from '../support/simulated-log.ts'

afterEach(closeAll)

const limits = { trimEveryMs: 5, minTrimRecords: 1 }
const partitions = [0, 1, 2, 3].map((partition) => ({ topic: 'transfers', partition }))

/** Where the partitions of the internal topic begin. */
const starts = (log: SimulatedLog) => partitions.map((at) => log.start(at))
const committed = (log: SimulatedLog) => partitions.map((at) => log.committedOffset('bank', at)?.offset ?? 0)
const trimmed = (log: SimulatedLog) => () => `${starts(log)}` === `${committed(log)}`

describe('trimming', () => {
  it('deletes what was consumed of internal sources, and of no other topic', async () => {
    const log = bankLog()
    for (let i = 0; i < 40; i++) log.write(payment(i))
    run(log, { limits })
    await until(log, quiet(log, 40))
    await until(log, trimmed(log))
    expect(Math.max(...starts(log))).toBeGreaterThan(0)
    const others = [...log.stored.topics].filter((topic) => topic !== 'transfers')
    const cut = others.flatMap((topic) => log.stored.partitionsOf(topic)).filter(({ logStart }) => logStart > 0)
    expect(cut).toEqual([])
    expectExactlyOnce(log, 40)
  })

  it('leaves a log from which the next process continues', async () => {
    const log = bankLog()
    for (let i = 0; i < 20; i++) log.write(payment(i))
    const first = run(log, { limits })
    await until(log, quiet(log, 20))
    await until(log, trimmed(log))
    await first.close()
    log.forgetOffsets('bank')
    for (let i = 20; i < 40; i++) log.write(payment(i))
    const second = run(log, { limits })
    await until(log, quiet(log, 40))
    expectExactlyOnce(log, 40)
    expect(second.state).toBe('running')
  })

  it('never goes past what is committed, though a transaction under way has read further', async () => {
    const log = bankLog()
    const gate = Promise.withResolvers<void>()
    const held = Promise.withResolvers<void>()
    let commits = 0
    const before = async (step: CommitStep) => {
      // The first transaction writes transfers; the second reads them.
      if (step !== 'commit' || ++commits !== 2) return
      held.resolve()
      await gate.promise
    }
    const process = log.process()
    const deletions: number[] = []
    const deleteRecords = process.deleteRecords
    process.deleteRecords = (records) => {
      deletions.push(records.length)
      return deleteRecords(records)
    }
    run(log, { process, hooks: { before }, limits })
    log.write(payment(0))
    await held.promise
    await process.looked(10)
    expect(deletions).toEqual([])
    gate.resolve()
    await until(log, quiet(log, 1))
    await until(log, trimmed(log))
    expect(deletions.length).toBeGreaterThan(0)
  })

  it('waits until enough has gathered', async () => {
    const log = bankLog()
    for (let i = 0; i < 40; i++) log.write(payment(i))
    const process = log.process()
    run(log, { process, limits: { ...limits, minTrimRecords: 1_000 } })
    await until(log, quiet(log, 40))
    await process.looked(5)
    expect(starts(log)).toEqual([0, 0, 0, 0])
  })

  it('is tried again when it failed, and payments continue', async () => {
    const log = bankLog()
    const process = log.process()
    const deleteRecords = process.deleteRecords
    let failures = 0
    process.deleteRecords = (records) => {
      if (++failures <= 3) return Promise.reject(new Error('not now'))
      return deleteRecords(records)
    }
    for (let i = 0; i < 20; i++) log.write(payment(i))
    const bank = run(log, { process, limits })
    await until(log, quiet(log, 20))
    await until(log, trimmed(log))
    expect(bank.state).toBe('running')
    expectExactlyOnce(log, 20)
  })
})
