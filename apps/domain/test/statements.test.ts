import { describe, expect, it } from 'vitest'
import {
  afterMovement,
  type BalanceHistory,
  emptyPerson,
  emptyStatement,
  matches,
  monthOf,
  monthsFrom,
  monthText,
  startOfMonth,
  statement,
  statementKey,
  statementPerson,
  statementPersonKey,
  withMovement,
  withMovementOf,
} from '../src/index.ts'

const movement = (amount: number, change: Partial<BalanceHistory> = {}): BalanceHistory => ({
  account: 'ann',
  sequence: 4,
  balance: 0,
  amount,
  transferId: 't0-1',
  counterparty: 'bea',
  kind: 'payment',
  at: 0,
  ...change,
})

describe('a month', () => {
  it.each([
    [0, '1970-01'],
    [Date.UTC(2026, 10, 1) - 1, '2026-10'],
    [Date.UTC(2026, 10, 1), '2026-11'],
    [Date.UTC(2026, 11, 31, 23, 59, 59, 999), '2026-12'],
    [Number.MAX_SAFE_INTEGER, '9999-12'],
  ])('of %i is %s, in UTC', (at, month) => {
    expect(monthOf(at)).toBe(month)
    expect(matches(monthText, month)).toBe(true)
    expect(monthOf(startOfMonth(month))).toBe(month)
  })

  it.each([
    ['2026-11', 1, '2026-12'],
    ['2026-12', 1, '2027-01'],
    ['2026-01', -1, '2025-12'],
    ['2026-11', -12, '2025-11'],
  ])('%s and %i more is %s', (month, count, expected) => expect(monthsFrom(month, count)).toBe(expected))

  it.each(['2026-13', '2026-00', '26-11', '2026-1', '2026-11-01', ''])('is not written "%s"', (text) => {
    expect(matches(monthText, text)).toBe(false)
  })
})

describe('a statement', () => {
  it('begins with what was before, and counts money in and out apart', () => {
    const begun = emptyStatement('ann', '2026-11', 700)
    const after = withMovement(withMovement(begun, movement(50)), movement(-300, { sequence: 5 }))
    expect(after).toEqual({
      account: 'ann',
      month: '2026-11',
      opening: 700,
      closing: 450,
      moneyIn: 50,
      moneyOut: 300,
      countIn: 1,
      countOut: 1,
      sequence: 5,
    })
    expect(matches(statement, after)).toBe(true)
  })

  it('of a later month opens and closes with an earlier month’s movement that came late, and does not count it', () => {
    const later = withMovement(emptyStatement('ann', '2026-12', 100), movement(1))
    expect(afterMovement(later, movement(-40, { sequence: 9 }))).toEqual({
      ...later,
      opening: 60,
      closing: 61,
      sequence: 9,
    })
  })

  it('keeps its sums at the largest safe integer, while balance and counts continue', () => {
    const full = { ...emptyStatement('ann', '2026-11', 0), moneyIn: Number.MAX_SAFE_INTEGER, countIn: 7 }
    expect(withMovement(full, movement(5))).toMatchObject({ moneyIn: Number.MAX_SAFE_INTEGER, countIn: 8, closing: 5 })
  })

  it('of a person has the money from them and to them', () => {
    const row = withMovementOf(
      withMovementOf(emptyPerson('ann', '2026-11', 'bea'), movement(50)),
      movement(-8, { sequence: 5 }),
    )
    expect(row).toMatchObject({ counterparty: 'bea', moneyIn: 50, moneyOut: 8, countIn: 1, countOut: 1, sequence: 5 })
    expect(matches(statementPerson, row)).toBe(true)
  })

  it('has a key of its own for each account and person', () => {
    expect(statementKey({ account: 'ann', month: '2026-11' })).toBe('3:ann2026-11')
    expect(statementPersonKey({ account: 'ann', month: '2026-11', counterparty: 'bea' })).toBe('3:ann2026-11bea')
    // Two accounts whose name and month are the same text when they stand behind each other.
    expect(statementKey({ account: 'ann2026-11', month: '2026-12' })).not.toBe(
      statementPersonKey({ account: 'ann', month: '2026-11', counterparty: '2026-12' }),
    )
  })
})
