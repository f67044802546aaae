/** Kept state: a process keeps the state of a task over assignments. */
import { keyOf } from '@streampay/kafka'
import { afterEach, describe, expect, it } from 'vitest'
import { bankLog, bankPartition, closeAll, expectExactlyOnce } from '../support/simulated-bank.ts'
import { eventually, pay, watched, written } from '../support/watched-process.ts'

afterEach(closeAll)

describe('the state of a task', () => {
  it('is kept over a rebalance that leaves the task where it was: nothing is read again', async () => {
    const log = bankLog()
    const first = watched(log)
    await pay(log, 0, 40)
    const second = watched(log, { slot: 1 })
    await second.topology.ready
    await eventually(() => first.topology.state === 'running')
    expect(first.topology.tasks).toEqual([0, 2])
    expect(await first.restored()).toBe(0)
    expect(await second.restored()).toBe(written(log, [1, 3]))
    await pay(log, 40, 80)
    expectExactlyOnce(log, 80)
  })

  it('stays on the disk when the task goes, and is read on when it comes back', async () => {
    const log = bankLog()
    const first = watched(log)
    await pay(log, 0, 40)
    const second = watched(log, { slot: 1 })
    await second.topology.ready
    const before = written(log, [1, 3])
    await pay(log, 40, 80)
    await second.topology.close({ leave: true })
    await eventually(() => first.topology.tasks.length === 4)
    expect(await first.restored()).toBe(written(log, [1, 3]) - before)
    await pay(log, 80, 120)
    expectExactlyOnce(log, 120)
  })

  it('is kept by a member that was lost, which reads what others wrote meanwhile and continues under a new epoch', async () => {
    const log = bankLog()
    const process = log.process()
    const paused = watched(log, { process })
    const other = watched(log, { slot: 1 })
    await other.topology.ready
    await pay(log, 0, 40)
    await eventually(() => log.ongoing === 0)
    expect(await paused.restored()).toBe(0)
    process.pause()
    const before = written(log, [0, 2])
    await log.groups.expire('bank', 'bank-slot-0')
    await eventually(() => other.topology.tasks.length === 4)
    expect(log.ended).toEqual(['bank-slot-0'])
    await pay(log, 40, 80)
    expect(await other.restored()).toBe(before)
    const back = log.groups.comeBack('bank', 'bank-slot-0')
    process.resume()
    await back
    await eventually(() => other.topology.tasks.length === 2 && paused.topology.state === 'running')
    expect(paused.topology.tasks).toEqual([0, 2])
    expect(await paused.restored()).toBe(written(log, [0, 2]) - before)
    await pay(log, 80, 120)
    expect(paused.topology.state).toBe('running')
    expectExactlyOnce(log, 120)
  })

  it('continues where a restoration was interrupted', async () => {
    const log = bankLog()
    const first = watched(log)
    await pay(log, 0, 40)
    await first.topology.close()
    const pinned = { topic: 'bank-accounts-changelog', partition: bankPartition('ann') }
    const all = written(log, [0, 1, 2, 3])
    log.stall(pinned)
    log.write({ ...pinned, key: 'zoe', value: '{"balance":1,"version":0}' })
    const process = log.process()
    const second = watched(log, { process })
    await process.looked(20)
    expect(second.topology.state).toBe('restoring')
    const third = watched(log, { slot: 1, process: log.process() })
    await process.looked(20)
    expect(await second.restored()).toBe(all)
    log.endTransaction('stalled', 'aborted')
    await Promise.all([second.topology.ready, third.topology.ready])
    await pay(log, 40, 80)
    expect(await second.restored()).toBe(all + Number([0, 2].includes(pinned.partition)))
  })

  it('starts over when the changelog no longer has the next records', async () => {
    const log = bankLog()
    const kept = watched(log)
    const other = watched(log, { slot: 1 })
    await other.topology.ready
    await pay(log, 0, 40)
    await other.topology.close({ leave: true })
    await eventually(() => kept.topology.tasks.length === 4)
    const at = { topic: 'bank-accounts-changelog', partition: bankPartition('ann') }
    log.write({ ...at, key: 'zoe', value: '{"balance":1,"version":0}' })
    log.cutOff(at, log.end(at))
    await log.groups.rebalance('bank')
    await eventually(() => kept.said('kept state cannot continue; it is restored from the beginning').length > 0)
    const [said] = kept.said('kept state cannot continue; it is restored from the beginning')
    expect(Object.keys(said?.changelogs ?? {})).toEqual([keyOf(at)])
  })
})
