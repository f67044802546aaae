/** Payments and requests that only their two people know. apps/api/test/privacy.test.ts tests what others are shown. */
import { commandBodyErrors, headerNames, topicNames, treasuryId } from '@streampay/domain'
import { describe, expect, it } from 'vitest'
import { fingerprintOf } from '../src/fingerprint.ts'
import { PaymentsWorld } from './support/payments-world.ts'

const visibility = 'private'
const open = () => new PaymentsWorld().register('ann', 'bea')

/** The visibility in both entries of the last transfer. */
function sidesOf(world: PaymentsWorld) {
  return world
    .entries()
    .slice(-2)
    .map((entry) => entry.visibility)
}

describe('a payment', () => {
  it.each([
    ['nothing', {}, [undefined, undefined]],
    ['public', { visibility: 'public' }, [undefined, undefined]],
    ['private', { visibility }, ['private', 'private']],
  ])('that says %s is so for both sides', (_, said, sides) => {
    const world = open()
    expect(world.pay('ann', { userId: 'bea', amount: 10, ...said }).status).toBe(200)
    expect(sidesOf(world)).toEqual(sides)
  })

  it.each([['friends'], [''], [null], [true]])(
    'that says %j is refused, and the words name what would be right',
    (said) => {
      const world = open()
      const body = { userId: 'bea', amount: 10, visibility: said }
      expect(world.pay('ann', body).status).toBe(400)
      expect(commandBodyErrors('PayCommand', body)).toEqual([
        { field: 'visibility', message: 'must be "public" or "private"' },
      ])
    },
  )

  it('has it only in entries: not in histories, balances, replies', () => {
    const world = open()
    world.pay('ann', { userId: 'bea', amount: 10, visibility })
    for (const topic of [topicNames.balanceHistories, topicNames.balances, topicNames.replies]) {
      expect(JSON.stringify(world.driver.records(topic).map(({ json }) => json))).not.toContain('private')
    }
  })

  it('may be private to a top-up, too', () => {
    const world = open()
    world.pay(treasuryId, { userId: 'bea', amount: 10, visibility })
    expect(sidesOf(world)).toEqual(['private', 'private'])
  })
})

describe('a private request', () => {
  it.each([[{}], [{ visibility: 'public' }], [{ visibility }]])(
    'is settled in private, though the payer says %j',
    (said) => {
      const world = open()
      const requestId = world.requested('bea', { userId: 'ann', amount: 10, visibility })
      expect(world.pay('ann', { userId: 'bea', amount: 10, requestId, ...said }).status).toBe(200)
      expect(sidesOf(world)).toEqual(['private', 'private'])
      expect(world.requestVersions(requestId)).toMatchObject([
        { status: 'open', visibility },
        { status: 'paid', visibility },
      ])
    },
  )

  it('stays private with each end', () => {
    const world = open()
    const ask = () => world.requested('bea', { userId: 'ann', amount: 10, visibility })
    const [declined, cancelled, expired] = [ask(), ask(), ask()]
    world.decline('ann', declined)
    world.cancel('bea', cancelled)
    world.pass(31 * 24 * 60 * 60_000, 'ann', 'bea')
    expect(
      [declined, cancelled, expired].map((id) => world.requestVersions(id).map((one) => [one.status, one.visibility])),
    ).toEqual(
      ['declined', 'cancelled', 'expired'].map((status) => [
        ['open', visibility],
        [status, visibility],
      ]),
    )
  })
})

it('a public request may be paid in private; the request stays public', () => {
  const world = open()
  const requestId = world.requested('bea', { userId: 'ann', amount: 10 })
  world.pay('ann', { userId: 'bea', amount: 10, requestId, visibility })
  expect(sidesOf(world)).toEqual(['private', 'private'])
  expect(world.requestVersions(requestId).map((one) => one.visibility)).toEqual([undefined, undefined])
})

describe('an idempotency key', () => {
  const fingerprint = (body: unknown) => fingerprintOf({ model: 'PayCommand', requestId: undefined, body })

  // Keys are kept for a day, over an update.
  it('of a body without visibility has the fingerprint that it always had', () => {
    expect(fingerprint({ userId: 'bea', amount: 10 })).toBe('M6tdOLCs5DyWRXxekpfhuQ')
    expect(fingerprint({ userId: 'bea', amount: 10, visibility })).not.toBe('M6tdOLCs5DyWRXxekpfhuQ')
  })

  it('has the same fingerprint with visibility public and without one', () => {
    const world = open()
    world.pay('ann', { userId: 'bea', amount: 10 }, { key: 'k' })
    const again = world.pay('ann', { userId: 'bea', amount: 10, visibility: 'public' }, { key: 'k' })
    expect(again).toMatchObject({ status: 200, headers: { [headerNames.replayed]: 'true' } })
  })
})
