import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  centsToInput,
  formatCents,
  groupSignOf,
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
    ['10,5', 1_050],
    ['12,34', 1_234],
    [',5', 50],
    ['1,000.00', 100_000],
    ['1.000,00', 100_000],
    ['1.234.567,8', 123_456_780],
    ['1,234,567', 123_456_700],
    ['1.234.567', 123_456_700],
    ['1’234’567.50', 123_456_750],
    ["1'234.50", 123_450],
    ['$1,062.60', 106_260],
    // As floating-point numbers these three are 28.999…, 114.99… and 1,000,000,000.0000001 cents.
    ['0.29', 29],
    ['1.15', 115],
    ['10000000', 1_000_000_000],
  ])('reads %s as %i cents', (text, cents) => {
    expect(parseDollars(text, 'other')).toEqual({ cents })
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
    ['1,00,000', 'not-a-number'],
    ['1.2,3.4', 'not-a-number'],
    ['1,250.00.00', 'not-a-number'],
    ['1.250,00,00', 'not-a-number'],
    ['10 000.000', 'too-precise'],
    ['10.5,5', 'not-a-number'],
    ['12..5', 'not-a-number'],
    ['12.,5', 'not-a-number'],
    ['0,005', 'too-precise'],
    ['1234,567', 'too-precise'],
    ['-0,5', 'negative'],
    ['+5', 'not-a-number'],
    ['١٢', 'not-a-number'],
    ['-', 'not-a-number'],
    ['1,2345', 'too-precise'],
    ['Infinity', 'not-a-number'],
    ['NaN', 'not-a-number'],
    ['0.005', 'too-precise'],
    ['1.0001', 'too-precise'],
    ['1.10000', 'too-precise'],
    ['0.500', 'too-precise'],
    ['1234.500', 'too-precise'],
    ['0', 'zero'],
    ['0.00', 'zero'],
    ['-5', 'negative'],
    ['−5', 'negative'],
    ['-$5', 'negative'],
    ['$-5', 'negative'],
    ['10000000.01', 'too-large'],
    ['99999999999999999999', 'too-large'],
  ] as const)('refuses "%s" as %s, with a sentence', (text, refusal) => {
    expect(parseDollars(text, 'other')).toEqual({ refusal })
    expect(wordsForAmount(refusal, text)).toMatch(/^[A-Z].*\.$/)
  })

  // Taken as $10.00 and $1.00 before: in half of the world these are ten thousand and one thousand.
  it.each([
    ['10.000', '10.00', '10000'],
    ['1.000', '1.00', '1000'],
    ['$ 1.250', '1.25', '1250'],
    ['1,000', '1.00', '1000'],
    ['999,999', '999.999', '999999'],
  ])('refuses "%s", which can mean %s or %s, and names both', (text, small, large) => {
    expect(parseDollars(text, 'other')).toEqual({ refusal: 'two-readings' })
    expect(wordsForAmount('two-readings', text)).toContain(`can mean ${small} or ${large}.`)
  })

  it.each([
    ['en-US', '1,000', { cents: 100_000 }],
    ['en-US', '1.000', { refusal: 'two-readings' }],
    ['de-DE', '1.000', { cents: 100_000 }],
    ['de-DE', '1,000', { refusal: 'two-readings' }],
    ['de-DE', '10.50', { cents: 1_050 }],
    ['en-US', '10,50', { cents: 1_050 }],
    ['fr-FR', '1.000', { refusal: 'two-readings' }],
    ['fr-FR', '1,000', { refusal: 'two-readings' }],
    ['es-ES', '1.000', { cents: 100_000 }],
    ['ar-EG', '1.000', { refusal: 'two-readings' }],
  ] as const)('in %s "%s" is %o', (locale, text, parsed) => {
    expect(parseDollars(text, groupSignOf(locale))).toEqual(parsed)
  })

  it('never reads one text as two different amounts in two languages', () => {
    const characters = fc.constantFrom(...'0123456789.,’ ')
    const digits = (length: number) =>
      fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 0, maxLength: length })
    const withSign = fc.tuple(digits(4), fc.constantFrom('.', ','), digits(2), fc.constantFrom('', '0', '00', '000'))
    const texts = fc.oneof(
      fc.string({ unit: characters, maxLength: 12 }),
      withSign.map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(texts, (text) => {
        const read = (['.', ',', 'other'] as const).map((sign) => parseDollars(text, sign))
        const amounts = new Set(read.flatMap((parsed) => ('cents' in parsed ? [parsed.cents] : [])))
        expect(amounts.size).toBeLessThanOrEqual(1)
      }),
    )
  })

  // A text that isn't an amount yet is not reported while the person types.
  it.each([
    ['', false],
    ['.', false],
    ['0', false],
    ['0.0', false],
    ['1,', false],
    ['1,2', false],
    ['12', false],
    ['-5', true],
    ['1.000', false],
    ['1.2.3', false],
    ['1e3', true],
    ['0x10', true],
    ['1.2,3.4,5', true],
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

  it('adds a plus sign only where signs are asked for, and never to zero', () => {
    expect(formatCents(100, 'always')).toBe('+$1.00')
    expect(formatCents(0, 'always')).toBe('$0.00')
    expect(formatCents(-100, 'never')).toBe('$1.00')
  })

  it('splits what is set in different sizes', () => {
    expect(moneyParts(-123_405)).toEqual({
      sign: '−',
      before: '$',
      whole: '1,234',
      decimalSign: '.',
      cents: '05',
      behind: '',
    })
  })
})
