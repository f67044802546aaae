/**
 * The runtime through the real client: here the protocol does what the simulated log assumes (markers, last stable
 * offsets, fencing, static members). The same cases run on the embedded broker and on Apache Kafka.
 */
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { CommitStep } from '../../src/index.ts'
import { Bank } from '../support/bank-on-log.ts'

export function exactlyOnceCases(brokers: () => readonly string[]): void {
  let bank: Bank
  let gate = Promise.withResolvers<void>()

  beforeEach(async () => {
    gate = Promise.withResolvers<void>()
    bank = await Bank.open(brokers())
  })

  afterEach(async () => {
    gate.resolve()
    await bank.close()
  })

  /** Pays in rounds of eight until a member is dead; returns how many commands that were. */
  async function payUntil(killed: Promise<void>): Promise<number> {
    let sent = 0
    let dead = false
    killed.then(() => {
      dead = true
    }, undefined)
    while (!dead) {
      await bank.pay(sent, sent + 8)
      sent += 8
      // Commands for the survivor are answered; the rest waits for the end of the dead member's session.
      await Promise.race([killed, bank.replies(sent)])
    }
    return sent
  }

  it('processes, restarts, and continues with the state it had', async () => {
    await bank.pay(0, 20)
    const first = bank.run()
    await first.ready
    await bank.expectExactlyOnce(20)
    await first.close()
    await bank.pay(20, 40)
    const second = bank.run()
    await second.ready
    expect(second.tasks).toEqual([0, 1, 2, 3])
    await bank.expectExactlyOnce(40)
  })

  it('deletes what it consumed of its own topic, and continues from there after a restart', async () => {
    const limits = { trimEveryMs: 20, minTrimRecords: 1 }
    const first = bank.run({ limits })
    await first.ready
    const deleted = bank.logged(({ msg }) => msg === 'deleted consumed records')
    await bank.pay(0, 20)
    await bank.expectExactlyOnce(20)
    await deleted
    await first.close()
    expect(Math.max(...(await bank.starts('transfers')))).toBeGreaterThan(0)
    expect(await bank.starts('commands')).toEqual([0, 0, 0, 0])
    await bank.pay(20, 40)
    await bank.run({ limits }).ready
    await bank.expectExactlyOnce(40)
  })

  it.each(['produce', 'offsets', 'commit', 'committed'] as const)(
    'survives a kill before "%s" with nothing lost and nothing doubled',
    async (step) => {
      await bank.pay(0, 12)
      const { killed } = bank.runAndKill({ step, nth: 2 })
      await killed
      await bank.pay(12, 24)
      const successor = bank.run()
      await successor.ready
      await bank.expectExactlyOnce(24)
    },
  )

  it('fences a zombie: the process that was thought dead cannot commit', async () => {
    const held = Promise.withResolvers<void>()
    const before = async (step: CommitStep) => {
      if (step !== 'commit') return
      held.resolve()
      await gate.promise
    }
    const zombie = bank.run({ hooks: { before } })
    await zombie.ready
    await bank.pay(0, 8)
    await held.promise
    const successor = bank.run()
    await successor.ready
    gate.resolve()
    await expect(zombie.done).rejects.toBeDefined()
    await bank.expectExactlyOnce(8)
  })

  it('shares the tasks between two processes, and hands all over when one leaves', async () => {
    const first = bank.run({ slot: 0 })
    await first.ready
    await bank.pay(0, 10)
    const second = bank.run({ slot: 1 })
    await second.ready
    await bank.pay(10, 20)
    await bank.replies(20)
    expect([...first.tasks, ...second.tasks].sort()).toEqual([0, 1, 2, 3])
    expect(first.tasks).toHaveLength(2)
    await first.close({ leave: true })
    await bank.pay(20, 30)
    await bank.expectExactlyOnce(30)
  })

  it('keeps what it has over a rebalance, without reading any of it again', async () => {
    const first = bank.run({ slot: 0 })
    await first.ready
    await bank.pay(0, 40)
    await bank.expectExactlyOnce(40)
    const kept = bank.logged(({ msg, slot }) => msg === 'restored' && slot === 0)
    const restored = bank.logged(({ msg, slot }) => msg === 'restored' && slot === 1)
    await bank.run({ slot: 1 }).ready
    expect(await kept).toMatchObject({ tasks: [0, 1], records: 0 })
    expect((await restored).records).toBeGreaterThan(0)
    await bank.pay(40, 80)
    await bank.expectExactlyOnce(80)
  })

  it('is a standby of a member, and takes over from it with almost nothing to read', async () => {
    const numStandbyReplicas = 1
    const { topology, killed } = bank.runAndKill({ slot: 0, step: 'commit', nth: 12, numStandbyReplicas })
    await topology.ready
    const second = bank.run({ slot: 1, numStandbyReplicas })
    const caughtUp = bank.logged(({ msg, slot }) => msg === 'the standby has caught up' && slot === 1)
    await second.ready
    await caughtUp
    expect(second.standbys).toEqual([0, 1])
    const takenOver = bank.logged(({ msg, tasks }) => msg === 'restored' && tasks?.length === 4)
    const sent = await payUntil(killed)
    await bank.expectExactlyOnce(sent)
    expect(second.tasks).toEqual([0, 1, 2, 3])
    // Twelve transactions wrote some eighty changelog records; the standby had read all but the last of them.
    expect((await takenOver).records).toBeLessThan(20)
  }, 30_000)

  it('takes over from a member that was killed, ending its transaction at once', async () => {
    const { topology, killed } = bank.runAndKill({ slot: 0, step: 'commit', nth: 3 })
    await topology.ready
    const second = bank.run({ slot: 1 })
    await second.ready
    const sent = await payUntil(killed)
    await bank.expectExactlyOnce(sent)
    expect(second.tasks).toEqual([0, 1, 2, 3])
  }, 30_000)
}
