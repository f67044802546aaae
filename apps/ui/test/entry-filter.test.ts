import type { Entry } from '@streampay/domain'
import { describe, expect, it } from 'vitest'
import { matchesFilter, noFilter } from '../src/stores/entry-filter.ts'

const entry: Entry = {
  transferId: 't2-17',
  account: 'ada',
  counterparty: 'grace',
  amount: -2_405,
  kind: 'payment',
  notes: 'Train tickets',
  commandPartition: 2,
  commandOffset: 17,
  applied: 'writer',
  at: 0,
}
const context = { nameOf: () => 'Grace Hopper', dayOf: () => '2026-11-23' }

describe('searching the statement', () => {
  it.each([
    ['hopper', true],
    ['grace', true],
    ['TICKETS', true],
    ['t2-17', true],
    ['24.05', true],
    ['  ', true],
    ['alan', false],
  ])('finds by name, note, id and amount: "%s" is %s', (text, isFound) => {
    expect(matchesFilter(entry, { ...noFilter, text }, context)).toBe(isFound)
  })

  // Once only "106.26" was found.
  it.each([
    ['$106.26', true],
    ['106.26', true],
    ['106,26', true],
    ['$ 106.26', true],
    ['-106.26', true],
    ['−$106.26', true],
    ['-$106.26', true],
    ['$-106.26', true],
    ['106', true],
    ['106.', true],
    ['06.2', true],
    ['+106.26', false],
    ['+$106.26', false],
    ['106.27', false],
    ['1,062.6', false],
    ['10626', false],
    ['$', false],
  ])('finds the amount of $106.26 that was paid by "%s": %s', (text, isFound) => {
    expect(matchesFilter({ ...entry, amount: -10_626 }, { ...noFilter, text }, context)).toBe(isFound)
  })

  it.each(['1,234.56', '$1,234.56', '1234.56', '1234,56', '1.234,56', '1 234.56', '+1,234.56', '1,234'])(
    'finds the amount of $1,234.56 that was received by "%s"',
    (text) => {
      expect(matchesFilter({ ...entry, amount: 123_456 }, { ...noFilter, text }, context)).toBe(true)
    },
  )

  it('tells money in from money out', () => {
    expect(matchesFilter(entry, { ...noFilter, direction: 'in' }, context)).toBe(false)
    expect(matchesFilter(entry, { ...noFilter, direction: 'out' }, context)).toBe(true)
  })

  it('includes the first and the last day', () => {
    expect(matchesFilter(entry, { ...noFilter, from: '2026-11-23', to: '2026-11-23' }, context)).toBe(true)
    expect(matchesFilter(entry, { ...noFilter, from: '2026-11-24' }, context)).toBe(false)
    expect(matchesFilter(entry, { ...noFilter, to: '2026-11-22' }, context)).toBe(false)
  })
})
