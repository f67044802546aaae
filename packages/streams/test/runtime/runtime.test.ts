import { AbortableError, UnknownOutcomeError } from '@streampay/kafka'
import { Registry } from 'prom-client'
import { afterEach, describe, expect, it } from 'vitest'
import type { CommitStep } from '../../src/index.ts'
import { type StreamClock, systemClock } from '../../src/log/stream-clock.ts'
import { opening } from '../support/bank.ts'
import {
  balances,
  bankLog,
  bankPartition,
  closeAll,
  expectExactlyOnce,
  names,
  payment,
  quiet,
  run,
  until,
} from '../support/simulated-bank.ts'
import { SimulatedLog } from '../support/simulated-log.ts'

afterEach(closeAll)

describe('the runtime', () => {
  it('processes what is there and what comes, and commits inputs, outputs, changelogs and positions together', async () => {
    const log = bankLog()
    for (let i = 0; i < 20; i++) log.write(payment(i))
    const bank = run(log)
    await bank.ready
    expect(bank.tasks).toEqual([0, 1, 2, 3])
    for (let i = 20; i < 40; i++) log.write(payment(i))
    await until(log, quiet(log, 40))
    expectExactlyOnce(log, 40)
    const position = log
      .committed('bank-positions-changelog')
      .findLast((record) => record.key?.toString() === 'commands')
    const committed = log.committedOffset('bank', { topic: 'commands', partition: position?.partition ?? -1 })
    expect(JSON.parse(position?.value?.toString() ?? '')).toMatchObject({ offset: committed?.offset })
    expect(committed?.metadata).toBe('bank-slot-0')
    await bank.close()
    expect(bank.state).toBe('closed')
  })

  it('gathers a batch while the last commit is under way, without waiting for it to fill', async () => {
    const log = bankLog()
    const batches: number[] = []
    const gate = Promise.withResolvers<void>()
    let commits = 0
    const before = async (step: CommitStep) => {
      if (step === 'commit' && commits++ === 0) await gate.promise
      if (step === 'committed') batches.push(log.committed('replies').length)
    }
    const bank = run(log, { hooks: { before } })
    await bank.ready
    log.write(payment(0))
    await until(log, () => commits > 0 || log.end({ topic: 'replies', partition: 0 }) >= 0)
    for (let i = 1; i < 30; i++) log.write(payment(i))
    gate.resolve()
    await until(log, quiet(log, 30))
    expect(batches.length).toBeLessThan(15)
  })

  it('gathers a batch for the commit interval after the last one, and ends at once when it is closed', async () => {
    const log = bankLog()
    const commitIntervalMs = 1_000_000
    const waits: (() => void)[] = []
    const clock: StreamClock = {
      ...systemClock,
      after(ms, action, options) {
        // The other waits are seconds long.
        if (ms < commitIntervalMs / 2) return systemClock.after(ms, action, options)
        waits.push(action)
        return () => undefined
      },
    }
    let commits = 0
    const before = (step: CommitStep) => {
      if (step === 'committed') commits += 1
    }
    const bank = run(log, { clock, limits: { commitIntervalMs }, hooks: { before } })
    await bank.ready
    log.write(payment(0))
    await expect.poll(() => waits.length).toBe(1)
    for (let i = 1; i < 30; i++) log.write(payment(i))
    expect(commits).toBe(1)
    waits[0]?.()
    await expect.poll(() => waits.length).toBe(2)
    expect(commits).toBe(2)
    await bank.close()
    expect(bank.state).toBe('closed')
  })

  it('stops fetching a partition whose queue is full, and continues when there is room', async () => {
    const log = bankLog()
    for (let i = 0; i < 200; i++) log.write(payment(i))
    run(log, { limits: { maxQueuedRecords: 5, maxBatchRecords: 8, maxBatchBytes: 300 } })
    await until(log, quiet(log, 200))
    expectExactlyOnce(log, 200)
  })

  it('rolls back a batch whose transaction aborts, and processes its records again', async () => {
    const log = bankLog()
    for (let i = 0; i < 12; i++) log.write(payment(i))
    const failures: CommitStep[] = ['produce', 'offsets', 'commit', 'offsets']
    const registry = new Registry()
    const before = (step: CommitStep) => {
      if (step !== failures[0]) return
      failures.shift()
      throw new AbortableError('the log asks for an abort')
    }
    run(log, { hooks: { before }, registry })
    await until(log, quiet(log, 12))
    expectExactlyOnce(log, 12)
    expect(failures).toEqual([])
    const text = await registry.metrics()
    expect(text).toContain('streams_aborted_transactions_total{application="bank"} 4')
    expect(text).toMatch(/streams_batch_records_count\{application="bank"\} [1-9]/)
  })

  it('gives up after too many aborts in a row', async () => {
    const log = bankLog()
    log.write(payment(0))
    const before = () => {
      throw new AbortableError('never again')
    }
    const bank = run(log, { hooks: { before }, limits: { maxAbortsInARow: 2 } })
    await expect(bank.done).rejects.toMatchObject({ code: 'STREAMS_COMMIT_FAILED' })
    expect(bank.state).toBe('failed')
  })

  it('ends when the outcome of a commit is unknown, and its successor finds out from the log', async () => {
    const log = bankLog()
    for (let i = 0; i < 8; i++) log.write(payment(i))
    const before = (step: CommitStep) => {
      if (step === 'committed') throw new UnknownOutcomeError('the connection was lost behind EndTxn')
    }
    const bank = run(log, { hooks: { before } })
    await expect(bank.done).rejects.toMatchObject({ code: 'STREAMS_COMMIT_FAILED' })
    run(log)
    await until(log, quiet(log, 8))
    expectExactlyOnce(log, 8)
  })

  it('dead-letters what it cannot process and continues', async () => {
    const log = bankLog()
    log.write({ topic: 'commands', key: 'ann', value: '{"to":' })
    log.write(payment(0))
    run(log)
    await until(log, quiet(log, 2))
    expect(log.committed('dead-letters')).toHaveLength(1)
  })

  it('stops at a record of the ledger that it cannot process, naming it, and skips nothing', async () => {
    const log = bankLog()
    const { partition } = log.write({ topic: 'transfers', key: 'ann', value: 'garbage' })
    const bank = run(log)
    await expect(bank.done).rejects.toThrow(`The record at transfers/${partition}/0 could not be processed`)
    expect(log.committedOffset('bank', { topic: 'transfers', partition })?.offset).toBe(0)
  })
})

describe('a global table', () => {
  const checked = (to: string) => ({
    topic: 'commands',
    key: 'ann',
    value: JSON.stringify({ to, amount: 1 }),
    headers: { check: 'yes' },
  })
  const replies = (log: SimulatedLog) => log.committed('replies').map((reply) => reply.value?.toString())

  it('is read to its end before the first record is processed', async () => {
    const log = bankLog()
    for (let i = 0; i < 50; i++) log.write({ topic: 'owners', key: `owner-${i}`, value: '"name"' })
    for (let i = 0; i < 50; i++) log.write(checked(`owner-${i}`))
    run(log)
    await until(log, () => replies(log).length === 50)
    expect(new Set(replies(log))).toEqual(new Set(['paid']))
  })

  it('ends a wait when it has reached the end of its topic, and finds what was written before the wait', async () => {
    const log = bankLog()
    const bank = run(log)
    await bank.ready
    log.write(checked('nobody'))
    log.write({ topic: 'owners', key: 'zoe', value: '"Zoe"' })
    log.write(checked('zoe'))
    await until(log, () => replies(log).length === 2)
    expect(replies(log)).toEqual(['reached', 'paid'])
  })

  // Each of them waited, and had a transaction of its own: who asked for people who do not exist slowed the others down.
  it('is waited for once by all records that were there when the wait began', async () => {
    const log = bankLog()
    for (let i = 0; i < 20; i++) log.write(checked(`nobody-${i}`))
    let commits = 0
    const before = async (step: CommitStep) => {
      if (step === 'commit') commits += 1
    }
    const bank = run(log, { hooks: { before } })
    await bank.ready
    await until(log, () => replies(log).length === 20)
    expect(new Set(replies(log))).toEqual(new Set(['reached']))
    expect(commits).toBeLessThan(5)
    log.write({ topic: 'owners', key: 'zoe', value: '"Zoe"' })
    log.write(checked('zoe'))
    await until(log, () => replies(log).length === 21)
    expect(replies(log).at(-1)).toBe('paid')
  })

  it('ends a wait at its time when it cannot reach the end', async () => {
    const log = bankLog()
    const bank = run(log)
    await bank.ready
    log.stall({ topic: 'owners', partition: bankPartition('zoe') })
    log.write({ topic: 'owners', key: 'zoe', value: '"Zoe"' })
    log.write(checked('zoe'))
    await until(log, () => replies(log).length === 1)
    expect(replies(log)).toEqual(['timed-out'])
  })

  // Its reader returned lent records, which have no headers: the writer of a record was not checked.
  it('lets its definition judge by the headers', async () => {
    const log = bankLog()
    const registry = new Registry()
    log.write({ topic: 'owners', key: 'zoe', value: '"Zoe"', headers: { writer: 'mallory' } })
    const bank = run(log, { registry })
    await bank.ready
    log.write(checked('zoe'))
    await until(log, () => replies(log).length === 1)
    expect(replies(log)).toEqual(['reached'])
    expect(await registry.metrics()).toContain('streams_table_passed_over_total{application="bank",table="owners"} 1')
  })

  // A tombstone is compacted away a day after it came: a process that was paused meanwhile would keep the key.
  it('ends a process that has slept for too long, and its successor reads it again', async () => {
    const log = bankLog()
    let skew = 0
    const clock = { ...systemClock, now: () => systemClock.now() + skew }
    log.write({ topic: 'owners', key: 'zoe', value: '"Zoe"' })
    log.write({ topic: 'owners', key: 'kim', value: '"Kim"' })
    const bank = run(log, { clock })
    await bank.ready
    log.compactAway({ topic: 'owners', partition: bankPartition('zoe') }, 'zoe')
    skew = 7 * 3_600_000
    log.write({ topic: 'owners', key: 'lou', value: '"Lou"' })
    await expect(bank.done).rejects.toMatchObject({ code: 'STREAMS_TABLES_OUTDATED' })
    const successor = run(log, { clock })
    await successor.ready
    log.write(checked('zoe'))
    await until(log, () => replies(log).at(-1) === 'reached')
    log.write(checked('kim'))
    await until(log, () => replies(log).at(-1) === 'paid')
  })

  it('skips and counts what it cannot use', async () => {
    const log = bankLog()
    const registry = new Registry()
    log.write({ topic: 'owners', key: 'zoe', value: '"Zoe"' })
    log.write({ topic: 'owners', key: 'zoe', value: '{' })
    log.write({ topic: 'owners', key: 'zoe', value: '"nobody"' })
    const bank = run(log, { registry })
    await bank.ready
    expect(await registry.metrics()).toContain('streams_table_passed_over_total{application="bank",table="owners"} 2')
  })
})

describe('topics', () => {
  it('that are missing are named before anything is read', async () => {
    const log = new SimulatedLog(['owners', 'commands'], 4)
    await expect(run(log).ready).rejects.toMatchObject({
      code: 'STREAMS_TOPICS_MISMATCH',
      message: expect.stringContaining('transfers, bank-accounts-changelog, bank-positions-changelog'),
    })
  })

  it('that are not co-partitioned are refused', async () => {
    const log = bankLog()
    const process = log.process()
    const counts = process.partitionCounts
    process.partitionCounts = async (topics) => (await counts(topics)).set('commands', 8)
    await expect(run(log, { process }).ready).rejects.toThrow('commands has 8')
  })
})

describe('a killed process', () => {
  it.each(['produce', 'offsets', 'commit', 'committed'] as const)(
    'before "%s" leaves nothing doubled and nothing lost',
    async (fatal) => {
      const log = bankLog()
      for (let i = 0; i < 10; i++) log.write(payment(i))
      const first = log.process()
      let seen = 0
      const killed = Promise.withResolvers<void>()
      const before = (step: CommitStep) => {
        if (step !== fatal || ++seen < 2) return
        killed.resolve()
        return first.kill()
      }
      run(log, { process: first, hooks: { before } })
      // The second batch is the one that is interrupted: it also credits what the first one sent.
      await killed.promise
      for (let i = 10; i < 20; i++) log.write(payment(i))
      const second = run(log)
      await second.ready
      await until(log, quiet(log, 20))
      expectExactlyOnce(log, 20)
    },
  )

  it('at any step, any number of times, changes nothing', async () => {
    const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 1e9))
    const random = mulberry(seed)
    const log = bankLog()
    const commands = 300
    for (let kill = 0; kill < 25; kill++) {
      for (let i = kill * 12; i < (kill + 1) * 12; i++) log.write(payment(i))
      const one = log.process()
      const killed = Promise.withResolvers<void>()
      let left = Math.floor(random() * 12)
      const before = () => {
        if (left-- > 0) return
        killed.resolve()
        return one.kill()
      }
      run(log, { process: one, hooks: { before }, limits: { maxBatchRecords: 1 + Math.floor(random() * 8) } })
      await Promise.race([killed.promise, until(log, quiet(log, (kill + 1) * 12))])
      one.kill().catch(() => undefined)
    }
    run(log)
    await until(log, quiet(log, commands))
    expectExactlyOnce(log, commands)
    expect(
      [...balances(log).values()].reduce((sum, { balance }) => sum + balance, 0),
      `seed ${seed}`,
    ).toBe(names.length * opening)
  })
})

describe('several processes', () => {
  it('share the tasks, and the one that takes over ends the transaction of the one that is gone', async () => {
    const log = bankLog()
    const dying = log.process()
    const killed = Promise.withResolvers<void>()
    let fatal = false
    const before = (step: CommitStep) => {
      if (!fatal || step !== 'commit') return
      killed.resolve()
      return dying.kill()
    }
    const first = run(log, { process: dying, hooks: { before } })
    await first.ready
    const second = run(log, { slot: 1 })
    await second.ready
    expect([...first.tasks, ...second.tasks].sort()).toEqual([0, 1, 2, 3])
    for (let i = 0; i < 16; i++) log.write(payment(i))
    await until(log, quiet(log, 16))
    fatal = true
    for (let i = 16; i < 32; i++) log.write(payment(i))
    await killed.promise
    expect(log.ended, 'the id of a live member is not touched').toEqual([])
    await log.groups.expire('bank', 'bank-slot-0')
    await until(log, quiet(log, 32))
    expect(log.ended).toContain('bank-slot-0')
    expect(second.tasks).toEqual([0, 1, 2, 3])
    expectExactlyOnce(log, 32)
  })

  // The owner's name was only in offsets that a transaction of its own had committed: a member that died in the very first one was unknown
  // to its successor, which then waited for the log to time the transaction out.
  it('know whose transaction is open even when it was the first of a member that is gone', async () => {
    const log = bankLog()
    const dying = log.process()
    const killed = Promise.withResolvers<void>()
    const before = (step: CommitStep) => {
      if (step !== 'commit') return
      killed.resolve()
      return dying.kill()
    }
    await run(log, { process: dying, hooks: { before } }).ready
    log.write(payment(0))
    await killed.promise
    await log.groups.expire('bank', 'bank-slot-0')
    await run(log, { slot: 1 }).ready
    expect(log.ended).toEqual(['bank-slot-0'])
    await until(log, quiet(log, 1))
    expectExactlyOnce(log, 1)
  })

  it('of one slot fence each other: the zombie ends without committing anything', async () => {
    const log = bankLog()
    const gate = Promise.withResolvers<void>()
    const reached = Promise.withResolvers<void>()
    const before = async (step: CommitStep) => {
      if (step !== 'commit') return
      reached.resolve()
      await gate.promise
    }
    const zombie = run(log, { hooks: { before } })
    for (let i = 0; i < 8; i++) log.write(payment(i))
    await reached.promise
    const successor = run(log)
    await successor.ready
    await until(log, quiet(log, 8))
    gate.resolve()
    await expect(zombie.done).rejects.toBeDefined()
    expectExactlyOnce(log, 8)
  })

  it('refuse offsets of an old generation: the batch aborts, and the new owner processes it', async () => {
    const log = bankLog()
    const one = run(log, {
      hooks: {
        before: async (step) => {
          if (step === 'offsets' && !rebalanced) {
            rebalanced = true
            // A rebalance that this member has not noticed yet: the others have made a generation without it.
            log.groups.rebalanceSilently('bank')
          }
        },
      },
    })
    let rebalanced = false
    await one.ready
    for (let i = 0; i < 8; i++) log.write(payment(i))
    await until(log, () => rebalanced)
    await log.groups.rebalance('bank')
    await until(log, quiet(log, 8))
    expectExactlyOnce(log, 8)
  })
})

function mulberry(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}
