import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  centsToInput,
  formatCents,
  isBeyondMending,
  moneyParts,
  parseDollars,
  wordsForAmount,
} from '../src/money/money.ts'

describe('reading an amount', () => {
  it.each([
    ['12', 1_200],
    ['12.5', 1_250],
    ['12.50', 1_250],
    ['.5', 50],
    ['0.01', 1],
    ['$1,250.00', 125_000],
    [' 1 250.10 ', 125_010],
    ['1\u00A0250', 125_000],
    ['$ 12', 1_200],
    ['007', 700],
    ['12.', 1_200],
    ['1.10000', 110],
    // As floating-point numbers these three are 28.999…, 114.99… and 1,000,000,000.0000001 cents.
    ['0.29', 29],
    ['1.15', 115],
    ['10000000', 1_000_000_000],
  ])('reads %s as %i cents', (text, cents) => {
    expect(parseDollars(text)).toEqual({ cents })
  })

  it.each([
    ['', 'empty'],
    ['  $ ', 'empty'],
    ['abc', 'not-a-number'],
    ['1.2.3', 'not-a-number'],
    ['.', 'not-a-number'],
    ['1e5', 'not-a-number'],
    ['0x10', 'not-a-number'],
    ['1 2', 'not-a-number'],
    ['1$2', 'not-a-number'],
    ['1,250 000', 'not-a-number'],
    ['12 EUR', 'not-a-number'],
    ['1.250,00', 'not-a-number'],
    ['+5', 'not-a-number'],
    ['١٢', 'not-a-number'],
    ['-', 'not-a-number'],
    ['12,34', 'not-a-number'],
    ['1,2345', 'not-a-number'],
    ['Infinity', 'not-a-number'],
    ['NaN', 'not-a-number'],
    ['0.005', 'too-precise'],
    ['1.001', 'too-precise'],
    ['0', 'zero'],
    ['0.00', 'zero'],
    ['-5', 'negative'],
    ['−5', 'negative'],
    ['-$5', 'negative'],
    ['$-5', 'negative'],
    ['10000000.01', 'too-large'],
    ['99999999999999999999', 'too-large'],
  ] as const)('refuses "%s" as %s, with a sentence', (text, refusal) => {
    expect(parseDollars(text)).toEqual({ refusal })
    expect(wordsForAmount(refusal)).toMatch(/^[A-Z].*\.$/)
  })

  // While somebody types, an amount that isn't one yet is left in peace.
  it.each([
    ['', false],
    ['.', false],
    ['0', false],
    ['0.0', false],
    ['1,', false],
    ['1,2', false],
    ['12', false],
    ['-5', true],
    ['1e3', true],
    ['0x10', true],
    ['1.2.3', true],
    ['0.005', true],
    ['99999999999', true],
  ])('"%s" can’t become an amount by typing on: %s', (text, expected) => {
    expect(isBeyondMending(text)).toBe(expected)
  })

  it('reads back every amount that it writes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000_000 }), (cents) => {
        expect(parseDollars(centsToInput(cents))).toEqual({ cents })
        expect(parseDollars(formatCents(cents))).toEqual({ cents })
      }),
    )
  })
})

describe('writing an amount', () => {
  it.each([
    [0, '$0.00'],
    [5, '$0.05'],
    [123_456, '$1,234.56'],
    [-5_000, '−$50.00'],
    [Number.MAX_SAFE_INTEGER, '$90,071,992,547,409.91'],
  ])('writes %i cents as %s', (cents, text) => {
    expect(formatCents(cents)).toBe(text)
  })

  it('adds a plus sign only where signs are asked for, and never to nothing', () => {
    expect(formatCents(100, 'always')).toBe('+$1.00')
    expect(formatCents(0, 'always')).toBe('$0.00')
    expect(formatCents(-100, 'never')).toBe('$1.00')
  })

  it('splits what is set in different sizes', () => {
    expect(moneyParts(-123_405)).toEqual({ sign: '−', whole: '1,234', cents: '05' })
  })
})
