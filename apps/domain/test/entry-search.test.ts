import { describe, expect, it } from 'vitest'
import { entryMatches } from '../src/index.ts'

const entry = { transferId: 't2-17', counterparty: 'grace-1', amount: -2_405, notes: 'Train tickets' }
const names = ['Grace Hopper', 'ghopper']
const isFound = (text: string, amount = entry.amount) => entryMatches({ ...entry, amount }, { text }, names)

describe('a search of entries', () => {
  it.each([
    ['hopper', true],
    ['ghop', true],
    ['grace-1', true],
    ['TICKETS', true],
    ['t2-17', true],
    ['24.05', true],
    ['  ', true],
    ['alan', false],
  ])('finds by name, username, note, id and amount: "%s" is %s', (text, found) => expect(isFound(text)).toBe(found))

  // Only "106.26" was found.
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
    ['.', false],
  ])('finds the amount of $106.26 that was paid by "%s": %s', (text, found) => {
    expect(isFound(text, -10_626)).toBe(found)
  })

  it.each(['1,234.56', '$1,234.56', '1234.56', '1234,56', '1.234,56', '1 234.56', '1’234.56', '+1,234.56', '1,234'])(
    'finds the amount of $1,234.56 that was received by "%s"',
    (text) => expect(isFound(text, 123_456)).toBe(true),
  )

  it('tells money in from money out', () => {
    expect(entryMatches(entry, { direction: 'in' }, names)).toBe(false)
    expect(entryMatches(entry, { direction: 'out', text: 'train' }, names)).toBe(true)
  })
})
