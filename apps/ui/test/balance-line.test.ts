import { describe, expect, it } from 'vitest'
import type { BalanceHistory } from '../src/api/types.ts'
import { balanceLine } from '../src/charts/balance-line.ts'

const minute = 60_000
const point = (sequence: number, at: number, balance: number): BalanceHistory => ({
  account: 'ada',
  sequence,
  balance,
  amount: balance,
  transferId: `t0-${sequence}`,
  counterparty: 'grace',
  kind: 'payment',
  at,
})

/** A period that began long ago and is not over. */
const frame = { start: -10_000 * minute, end: 10_000 * minute, opening: 70, monthEnds: [] }

describe('the line of the balance', () => {
  it('begins with the opening balance, and goes on until now', () => {
    const points = [point(7, 1_000 * minute, 500), point(8, 1_001 * minute, 300)]
    expect(balanceLine(points, frame, 2_000 * minute)).toEqual([
      [frame.start, 70],
      [1_000 * minute, 500],
      [1_001 * minute, 300],
      [2_000 * minute, 300],
    ])
  })

  it('ends with its period, if that is over', () => {
    expect(balanceLine([point(7, 5, 500)], { ...frame, end: minute }, 2_000 * minute).at(-1)).toEqual([minute, 500])
  })

  it('has the end of each month where movements were not read, and none after the first that was read', () => {
    const monthEnds = [[-20_000 * minute, 1] as const, [-100 * minute, 40] as const, [900 * minute, 2] as const]
    expect(balanceLine([point(7, 5, 500)], { ...frame, monthEnds }, 6)).toEqual([
      [frame.start, 70],
      [-100 * minute, 40],
      [5, 500],
      [6, 500],
    ])
  })

  it('shows the single movement of a new account as a step, not as a dot', () => {
    expect(balanceLine([point(1, 100 * minute, 5_000)], { ...frame, opening: 0 }, 100 * minute)).toEqual([
      [99 * minute, 0],
      [100 * minute, 5_000],
      [100 * minute, 5_000],
    ])
  })

  it('begins earlier before the first movement in a longer period, but never before the period', () => {
    expect(balanceLine([point(1, 0, 5_000)], frame, 1_000 * minute)[0]).toEqual([-60 * minute, 70])
    expect(balanceLine([point(1, 0, 5_000)], { ...frame, start: -minute }, 1_000 * minute)[0]).toEqual([-minute, 70])
  })

  it('never ends before the last movement, if the clock of the browser is behind', () => {
    expect(balanceLine([point(2, 100, 5)], frame, 90).at(-1)).toEqual([100, 5])
  })

  it('is empty while nothing is known', () => {
    expect(balanceLine([], frame, 100)).toEqual([])
  })
})
