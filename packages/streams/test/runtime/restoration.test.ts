import { Registry } from 'prom-client'
import { afterEach, describe, expect, it } from 'vitest'
import type { CommitStep } from '../../src/index.ts'
import { type StreamClock, systemClock } from '../../src/log/stream-clock.ts'
import {
  balances,
  bankLog,
  bankPartition,
  closeAll,
  expectExactlyOnce,
  type LogEntry,
  payment,
  quiet,
  run,
  until,
} from '../support/simulated-bank.ts'
import { offsetsPartition, type SimulatedLog } from '../support/simulated-log.ts'

afterEach(closeAll)

const pay = (from: string, to: string, amount: number) => ({
  topic: 'commands',
  key: from,
  value: JSON.stringify({ to, amount }),
})
const replies = (log: SimulatedLog) => log.committed('replies').map((reply) => reply.value?.toString())
const annChangelog = { topic: 'bank-accounts-changelog', partition: bankPartition('ann') }

/** A process that pays 80 of Ann's 100 and is then killed. */
async function payAndDie(log: SimulatedLog): Promise<void> {
  const first = log.process()
  const bank = run(log, { process: first })
  await bank.ready
  log.write(pay('ann', 'bob', 80))
  const commands = { topic: 'commands', partition: annChangelog.partition }
  await until(log, () => log.end({ ...commands, topic: 'replies' }) > 0 && log.ongoing === 0)
  first.kill().catch(() => undefined)
}

describe('restoration', () => {
  /**
   * KAFKA-10167: after PrepareCommit the markers of one transaction reach their partitions in any order. Here the input offsets are
   * committed and visible while the marker of the debit's changelog is missing. Reading the changelog to its last stable offset would miss
   * the debit, and the same 80 could be paid twice.
   */
  it('waits for a commit marker that only the changelog lacks, so that no debit is lost', async () => {
    const log = bankLog()
    log.holdMarkers(annChangelog)
    await payAndDie(log)
    const committed = log.committedOffset('bank', { topic: 'commands', partition: annChangelog.partition })
    expect(committed?.offset, 'the payment counts as read').toBe(1)
    expect(log.stableEnd(annChangelog), 'but its debit cannot be read').toBe(0)
    log.write(pay('ann', 'cid', 80))

    const process = log.process()
    const second = run(log, { process })
    await process.looked(20)
    expect(second.state).toBe('restoring')
    expect(replies(log)).toEqual(['paid'])

    log.releaseMarkers(annChangelog)
    await until(log, () => replies(log).length === 2)
    expect(replies(log)).toEqual(['paid', 'insufficient funds: 20'])
    expect(balances(log).get('ann')?.balance).toBe(20)
  })

  it('waits for the offsets first, and only then reads the ends of the changelogs', async () => {
    const log = bankLog()
    log.holdMarkers(offsetsPartition)
    log.holdMarkers(annChangelog)
    const first = log.process()
    run(log, { process: first })
    log.write(pay('ann', 'bob', 80))
    await until(log, () => replies(log).length === 1)
    first.kill().catch(() => undefined)
    log.write(pay('ann', 'cid', 80))

    const process = log.process()
    const second = run(log, { process })
    await process.looked(5)
    log.releaseMarkers(offsetsPartition)
    await process.looked(20)
    expect(second.state).toBe('restoring')
    log.releaseMarkers(annChangelog)
    await until(log, () => replies(log).length === 2)
    expect(replies(log)).toEqual(['paid', 'insufficient funds: 20'])
  })

  // The group waited up to 30 s for an answer that was no longer needed, and all its partitions with it.
  it('is broken off at once when the group takes the tasks back, during any wait', async () => {
    const log = bankLog()
    log.holdMarkers(offsetsPartition)
    const first = log.process()
    run(log, { process: first })
    log.write(pay('ann', 'bob', 80))
    await until(log, () => replies(log).length === 1)
    first.kill().catch(() => undefined)
    const second = run(log, { process: log.process() })
    await expect.poll(() => second.state, { interval: 5 }).toBe('restoring')
    await log.groups.rebalance('bank')
    expect(second.state).toBe('restoring')
    log.releaseMarkers(offsetsPartition)
    await second.ready
  })

  it('gives up, naming the partition, when a marker never comes', async () => {
    const log = bankLog()
    log.holdMarkers(annChangelog)
    await payAndDie(log)
    const second = run(log, { limits: { stallTimeoutMs: 100 } })
    await expect(second.done).rejects.toMatchObject({
      code: 'STREAMS_RESTORE_STALLED',
      message: expect.stringContaining(`bank-accounts-changelog/${annChangelog.partition} (to 1)`),
    })
  })

  it('reports its progress, in its log and to Prometheus', async () => {
    const log = bankLog()
    for (let i = 0; i < 20; i++) log.write(payment(i))
    const first = run(log)
    await until(log, quiet(log, 20))
    await first.close()
    log.stall(annChangelog)
    log.write({ ...annChangelog, key: 'zoe', value: '{"balance":1,"version":0}' })
    const registry = new Registry()
    const heard = Promise.withResolvers<LogEntry>()
    // A second that takes fifty milliseconds.
    const clock: StreamClock = { ...systemClock, after: (ms, ...more) => systemClock.after(Math.min(ms, 50), ...more) }
    const onLog = (entry: LogEntry) => {
      if (entry.msg === 'restoring' && entry.behind !== undefined) heard.resolve(entry)
    }
    const second = run(log, { registry, clock, onLog })
    const key = `${annChangelog.topic}/${annChangelog.partition}`
    const { records, remaining, perSecond, behind } = await heard.promise
    expect({ remaining, behind }).toEqual({ remaining: 1, behind: { [key]: log.end(annChangelog) } })
    expect([records, perSecond]).toEqual([expect.any(Number), expect.any(Number)])
    const metrics = await registry.metrics()
    expect(metrics).toContain('streams_restore_remaining_records{application="bank"} 1')
    expect(metrics).toContain(`streams_restored_records_total{application="bank"} ${records}`)
    log.endTransaction('stalled', 'aborted')
    await second.ready
    expect(await registry.metrics()).toContain('streams_restore_remaining_records{application="bank"} 0')
  })

  it('continues from the positions changelog when the group’s offsets have expired', async () => {
    const log = bankLog()
    for (let i = 0; i < 10; i++) log.write(payment(i))
    const first = run(log)
    await until(log, quiet(log, 10))
    await first.close()
    log.forgetOffsets('bank')
    for (let i = 10; i < 20; i++) log.write(payment(i))
    run(log)
    await until(log, quiet(log, 20))
    expectExactlyOnce(log, 20)
  })

  it('stops when the group and the positions changelog do not agree', async () => {
    const log = bankLog()
    await payAndDie(log)
    const at = { topic: 'commands', partition: annChangelog.partition }
    log.overwriteOffset('bank', { ...at, offset: 0, metadata: 'bank-slot-0' })
    const second = run(log)
    await expect(second.done).rejects.toMatchObject({
      code: 'STREAMS_OFFSETS_DIFFER',
      message: expect.stringContaining(`offset 0 of commands/${at.partition}, but the positions changelog says 1`),
    })
  })

  it('stops when inputs are gone that were never processed, naming the gap; never falls back', async () => {
    const log = bankLog()
    await payAndDie(log)
    const at = { topic: 'commands', partition: annChangelog.partition }
    log.cutOff(at, 3)
    for (let i = 0; i < 3; i++) log.write(pay('ann', 'cid', 1))
    const second = run(log)
    await expect(second.done).rejects.toMatchObject({
      code: 'STREAMS_INPUT_GAP',
      message: `Offsets 1 to 2 of commands/${at.partition} are gone and were never processed.`,
    })
  })

  it('begins a topic that was never read at its earliest offset', async () => {
    const log = bankLog()
    for (let i = 0; i < 3; i++) log.write(pay('ann', 'cid', 1))
    log.cutOff({ topic: 'commands', partition: annChangelog.partition }, 2)
    run(log)
    await until(log, () => replies(log).length === 1)
    expect(log.committed('replies')[0]?.headers[0]?.[1]?.toString()).toBe(`${annChangelog.partition}/2`)
  })

  it('stops at changelog bytes that its serde does not accept', async () => {
    const log = bankLog()
    log.write({ ...annChangelog, key: 'ann', value: '{' })
    await expect(run(log).done).rejects.toMatchObject({ code: 'STREAMS_CHANGELOG_CORRUPT' })
  })

  // It waited for the offsets while the group asked for the tasks back, without success: the owner of the transaction that had them counted
  // as alive when that was asked, and the transaction was ended only when the log timed it out, though the group knew much earlier.
  it('gives its tasks back while it waits for another transaction, and ends that once its owner is gone', async () => {
    const log = bankLog()
    const dying = log.process()
    const killed = Promise.withResolvers<void>()
    const before = (step: CommitStep) => {
      if (step !== 'commit') return
      killed.resolve()
      return dying.kill()
    }
    await run(log, { process: dying, hooks: { before } }).ready
    for (let i = 0; i < 8; i++) log.write(payment(i))
    await killed.promise
    const heir = log.process()
    const second = run(log, { slot: 1, process: heir })
    while (second.state !== 'restoring') await heir.looked(1)
    await heir.looked(10)
    expect(second.state, 'the dead one still counts as a member').toBe('restoring')
    expect(log.ended).toEqual([])
    await log.groups.expire('bank', 'bank-slot-0')
    await second.ready
    expect(log.ended).toEqual(['bank-slot-0'])
    await until(log, quiet(log, 8))
    expectExactlyOnce(log, 8)
  })
})
