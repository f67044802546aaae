import { describe, expect, it } from 'vitest'
import type { Statement } from '../src/api/types.ts'
import { type PersonSums, sumsOf } from '../src/statement/people-sums.ts'
import { boundsOf, figuresOf, monthsBetween, periodAsked, timesOf } from '../src/statement/period.ts'

const monthOf = (month: string, opening: number, moneyIn: number, moneyOut: number): Statement => ({
  account: 'ada',
  month,
  opening,
  closing: opening + moneyIn - moneyOut,
  moneyIn,
  moneyOut,
  countIn: 1,
  countOut: 2,
  sequence: 3,
})
const months = [monthOf('2026-11', 70, 30, 50), monthOf('2026-08', 0, 100, 20), monthOf('2026-09', 80, 0, 10)]

describe('a period', () => {
  it.each([
    [
      { from: '2026-10', to: '2026-11' },
      { from: '2026-10', to: '2026-11' },
    ],
    [
      { from: '2026-11', to: '2026-10' },
      { from: '2026-10', to: '2026-11' },
    ],
    [{ from: '2026-11' }, { from: '2026-11', to: '2026-11' }],
    [{ to: '2026-11' }, { from: '2026-11', to: '2026-11' }],
    [
      { from: '2026-13', to: '2026-11' },
      { from: '2026-11', to: '2026-11' },
    ],
    [{ from: 'now' }, undefined],
    [{ from: ['2026-10'] }, undefined],
    [{}, undefined],
  ])('is asked for by an address: %j', (query, period) => expect(periodAsked(query)).toEqual(period))

  it('goes from the first moment of its first month to the first one after its last month', () => {
    expect(boundsOf({ from: '2026-11', to: '2026-12' })).toEqual({ start: Date.UTC(2026, 10), end: Date.UTC(2027, 0) })
    expect(timesOf({ from: '1970-01', to: '1970-01' })).toBe('from=0&to=2678400000')
  })

  it('has the newest of its months first, and at most as many as requested', () => {
    expect(monthsBetween({ from: '2025-11', to: '2026-01' }, 9)).toEqual(['2026-01', '2025-12', '2025-11'])
    expect(monthsBetween({ from: '2025-11', to: '2026-01' }, 2)).toEqual(['2026-01', '2025-12'])
  })

  it.each([
    ['all', { from: '2026-08', to: '2026-11' }, [0, 50, 130, 80, 3, 6]],
    ['one month', { from: '2026-09', to: '2026-09' }, [80, 70, 0, 10, 1, 2]],
    ['with months without movements', { from: '2026-10', to: '2026-12' }, [70, 50, 30, 50, 1, 2]],
    ['nothing but such', { from: '2026-10', to: '2026-10' }, [70, 70, 0, 0, 0, 0]],
    ['before everything', { from: '2026-01', to: '2026-07' }, [0, 0, 0, 0, 0, 0]],
    ['behind everything', { from: '2026-12', to: '2027-07' }, [50, 50, 0, 0, 0, 0]],
  ])('comes to what its months come to: %s', (_what, period, figures) => {
    const { opening, closing, moneyIn, moneyOut, countIn, countOut } = figuresOf(months, period)
    expect([opening, closing, moneyIn, moneyOut, countIn, countOut]).toEqual(figures)
  })
})

describe('people of a period', () => {
  it('have the sums of all its months, the largest first', () => {
    const of = (counterparty: string, moneyIn: number, moneyOut: number): PersonSums => ({
      counterparty,
      moneyIn,
      moneyOut,
      countIn: 1,
      countOut: 1,
    })
    expect(sumsOf([of('bea', 1, 2), of('cleo', 10, 0), of('bea', 5, 4)])).toEqual([
      { counterparty: 'bea', moneyIn: 6, moneyOut: 6, countIn: 2, countOut: 2 },
      of('cleo', 10, 0),
    ])
  })
})
