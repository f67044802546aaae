import { describe, expect, it } from 'vitest'
import type { BalanceHistory } from '../src/api/types.ts'
import { windowOf } from '../src/app/row-window.ts'
import { coverageOf, coverageWords } from '../src/statement/coverage.ts'

const day = 24 * 3_600_000
const start = Date.UTC(2026, 4, 3, 12)

function movements(from: number, amounts: readonly number[]): readonly BalanceHistory[] {
  let balance = 0
  return amounts.map((amount, index) => {
    balance += amount
    return {
      account: 'ada',
      sequence: from + index,
      balance,
      amount,
      transferId: `t0-${from + index}`,
      counterparty: 'grace',
      kind: 'payment',
      at: start + index * day,
    }
  })
}

describe('sums of movements', () => {
  it('say what they cover: everything', () => {
    const coverage = coverageOf(movements(1, [50_000, -100, 25]))
    expect(coverage).toEqual({ count: 3, since: start, isWhole: true, moneyIn: 50_025, moneyOut: 100 })
    expect(coverage && coverageWords(coverage)).toMatch(/^All 3 movements, since .*2026$/)
  })

  // Once the sums of the last 1,000 movements stood there as if they were all: $57,986.70 for $448,667.28.
  it('say what they cover: the last ones', () => {
    const coverage = coverageOf(
      movements(
        8_001,
        Array.from({ length: 1_000 }, () => 1),
      ),
    )
    expect(coverage && coverageWords(coverage)).toMatch(/^Last 1,000 movements, since /)
  })

  it.each([
    ['there is nothing', []],
    ['one is missing', movements(1, [1, 2, 3]).filter(({ sequence }) => sequence !== 2)],
  ])('are left out when %s', (_when, points) => {
    expect(coverageOf(points)).toBeUndefined()
  })

  it('of one movement are told in the singular', () => {
    const [first] = [coverageOf(movements(1, [5])), coverageOf(movements(9, [5]))].map(
      (coverage) => coverage && coverageWords(coverage),
    )
    expect(first).toMatch(/^The only movement, since/)
  })
})

describe('the rows of a long list', () => {
  const list = Array.from({ length: 20_000 }, (_, n) => `row ${n}`)
  const keyOf = (item: string) => item
  const at = (anchor: string | undefined, of: readonly string[] = list) => windowOf(of, { anchor, size: 50, keyOf })

  it('are never more than fit the window', () => {
    expect(at(undefined)).toMatchObject({ start: 0, hasBefore: false, hasAfter: true })
    expect(at(undefined).rows).toHaveLength(50)
    expect(at('row 19980').rows).toHaveLength(20)
    expect(at('row 19980')).toMatchObject({ start: 19_980, hasBefore: true, hasAfter: false })
  })

  it('stay where they are while others arrive on top', () => {
    const before = at('row 50').rows
    expect(at('row 50', ['new 1', 'new 2', ...list]).rows).toEqual(before)
  })

  it('begin at the top again once the first of them is gone', () => {
    expect(at('row 50', ['other']).rows).toEqual(['other'])
  })

  it.each([
    [49, 1, false],
    [50, 1, false],
    [51, 1, true],
  ])('of %i have a next window: %s', (length, _n, hasAfter) => {
    expect(at(undefined, list.slice(0, length)).hasAfter).toBe(hasAfter)
  })
})
