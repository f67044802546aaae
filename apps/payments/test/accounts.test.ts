import { topicNames, treasuryId } from '@streampay/domain'
import { describe, expect, it } from 'vitest'
import { PaymentsWorld, userRecord } from './support/payments-world.ts'

describe('an account', () => {
  it('opens with a grant at the first users record, and only then', () => {
    const world = new PaymentsWorld().register('ann')
    world.register('ann')
    world.driver.pipe({ topic: topicNames.users, key: 'ann', value: null })
    world.register('ann')
    expect(world.history('ann')).toMatchObject([
      {
        sequence: 1,
        amount: 50_000,
        balance: 50_000,
        transferId: 'opening:ann',
        kind: 'opening',
        counterparty: treasuryId,
      },
    ])
    expect(world.history(treasuryId)).toMatchObject([{ sequence: 1, amount: -50_000, balance: -50_000 }])
    expect(world.entries()).toMatchObject([
      // Both belong to the same task.
      { account: treasuryId, amount: -50_000, applied: 'writer' },
      { account: 'ann', amount: 50_000, applied: 'writer' },
    ])
  })

  it('opens at the first command of a person who is not in the directory, before the command is decided', () => {
    const world = new PaymentsWorld().register('bea')
    expect(world.pay('ann', { userId: 'bea', amount: 50_000 })).toMatchObject({ status: 200, body: { balance: 0 } })
    world.register('ann')
    expect(world.history('ann').map((row) => row.kind)).toEqual(['opening', 'payment'])
  })

  it('opens even if the first command is refused, but not if it is dead-lettered', () => {
    const world = new PaymentsWorld()
    world.pay('ann', { userId: 'nobody', amount: 1 })
    world.pay('bea', 'not json')
    expect(world.balance('ann')).toBe(50_000)
    expect(world.balance('bea')).toBeUndefined()
  })

  it('takes a credit before it is open, and the grant as a later entry', () => {
    const world = new PaymentsWorld().register('ann')
    // The directory has bea while her own partition has not read her record yet: only the credit has come.
    const bobs = world.driver.taskOf('bea')
    world.driver.pipe({
      topic: topicNames.transactions,
      key: 'bea',
      value: {
        transferId: 't9-9',
        account: 'bea',
        counterparty: 'ann',
        amount: 70,
        kind: 'payment',
        commandPartition: 9,
        commandOffset: 9,
        applied: 'reader',
        at: 1,
      },
    })
    expect(world.driver.store('accounts', bobs).get('bea')).toMatchObject({ balance: 70, sequence: 1, opened: false })
    world.register('bea')
    expect(world.history('bea')).toMatchObject([
      { sequence: 1, balance: 70 },
      { sequence: 2, balance: 50_070, kind: 'opening' },
    ])
  })

  it('opens once when the users record and the first command come in one batch', () => {
    const world = new PaymentsWorld().register('bea')
    world.driver.pipe([userRecord('ann'), world.command('PayCommand', 'ann', { userId: 'bea', amount: 1 })])
    world.driver.settle()
    expect(world.history('ann').map((row) => row.balance)).toEqual([50_000, 49_999])
  })

  it('has the same state after a restart from its changelogs', () => {
    const world = new PaymentsWorld().register('ann', 'bea')
    world.pay('ann', { userId: 'bea', amount: 100 }, { key: 'k' })
    world.driver.restart()
    expect(world.pay('ann', { userId: 'bea', amount: 49_901 }).status).toBe(409)
    expect(world.pay('ann', { userId: 'bea', amount: 100 }, { key: 'k' }).headers).toMatchObject({
      'idempotency-replayed': 'true',
    })
    world.register('ann')
    expect(world.history('ann')).toHaveLength(2)
  })

  it('undoes everything of an aborted batch and does it once in the next', () => {
    const world = new PaymentsWorld().register('ann', 'bea')
    const command = world.command('PayCommand', 'ann', { userId: 'bea', amount: 50_000 })
    const twice = world.command('PayCommand', 'ann', { userId: 'bea', amount: 1 })
    const answers = world.runAll([command, twice], { abort: true })
    expect(answers.map((answer) => answer.status)).toEqual([200, 409])
    expect([world.balance('ann'), world.balance('bea')]).toEqual([0, 100_000])
  })
})
