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

describe('the line of the balance', () => {
  it('goes on until now, where it stopped at the last movement before', () => {
    const points = [point(7, 1_000 * minute, 500), point(8, 1_001 * minute, 300)]
    expect(balanceLine(points, 2_000 * minute)).toEqual([
      [1_000 * minute, 500],
      [1_001 * minute, 300],
      [2_000 * minute, 300],
    ])
  })

  it('shows the single movement of a new account as a step, where it showed a dot before', () => {
    expect(balanceLine([point(1, 100 * minute, 5_000)], 100 * minute)).toEqual([
      [99 * minute, 0],
      [100 * minute, 5_000],
      [100 * minute, 5_000],
    ])
  })

  it('leaves more room before the first movement of a longer time', () => {
    expect(balanceLine([point(1, 0, 5_000)], 1_000 * minute)[0]).toEqual([-60 * minute, 0])
  })

  it('never ends before the last movement, whatever the clock of the browser says', () => {
    expect(balanceLine([point(2, 100, 5)], 90).at(-1)).toEqual([100, 5])
  })

  it('is empty while nothing is known', () => {
    expect(balanceLine([], 100)).toEqual([])
  })
})
