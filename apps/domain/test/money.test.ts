import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  add,
  addUpToLimit,
  cents,
  divideHalfEven,
  maxAmountCents,
  meanOf,
  negate,
  refusalOfAmount,
} from '../src/index.ts'

describe('an amount from outside', () => {
  it.each([
    ['absent', undefined, 'missing'],
    ['null', null, 'not-a-number'],
    ['text', '12', 'not-a-number'],
    ['true', true, 'not-a-number'],
    ['a list', [1], 'not-a-number'],
    ['a big integer', 1n, 'not-a-number'],
    ['not a number', Number.NaN, 'not-finite'],
    ['infinite', Number.POSITIVE_INFINITY, 'not-finite'],
    ['minus infinite', Number.NEGATIVE_INFINITY, 'not-finite'],
    ['negative', -1, 'negative'],
    ['negative and fractional', -0.5, 'negative'],
    ['negative and huge', -Number.MAX_VALUE, 'negative'],
    ['zero', 0, 'zero'],
    ['minus zero', -0, 'zero'],
    ['fractional', 0.005, 'fractional'],
    ['a fraction just past one', 1.5, 'fractional'],
    ['a fraction beyond the limit', maxAmountCents + 0.5, 'fractional'],
    ['just past the limit', maxAmountCents + 1, 'too-large'],
    ['huge', Number.MAX_VALUE, 'too-large'],
  ])('is refused when it is %s', (_, value, refusal) => {
    expect(refusalOfAmount(value)).toBe(refusal)
  })

  it.each([1, 2, 50_000, maxAmountCents - 1, maxAmountCents])('is accepted: %d', (value) => {
    expect(refusalOfAmount(value)).toBeUndefined()
  })
})

describe('cents', () => {
  it.each([0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, -(2 ** 53)])('cannot be %d', (value) => {
    expect(() => cents(value)).toThrow(RangeError)
  })

  it('are never minus zero', () => {
    expect(Object.is(cents(-0), 0)).toBe(true)
    expect(Object.is(negate(cents(0)), 0)).toBe(true)
  })

  it('add up within the safe integers only', () => {
    expect(add(cents(Number.MAX_SAFE_INTEGER - 1), cents(1))).toBe(Number.MAX_SAFE_INTEGER)
    expect(() => add(cents(Number.MAX_SAFE_INTEGER), cents(1))).toThrow(RangeError)
  })
})

describe('rounding', () => {
  it.each([
    [1, 2, 0],
    [3, 2, 2],
    [5, 2, 2],
    [7, 2, 4],
    [-1, 2, 0],
    [-3, 2, -2],
    [-5, 2, -2],
    [1, 3, 0],
    [2, 3, 1],
    [-2, 3, -1],
    [10, 4, 2],
    [11, 4, 3],
    [0, 7, 0],
    [Number.MAX_SAFE_INTEGER, 2, 4_503_599_627_370_496],
    [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 1],
    [4_503_599_627_370_495, Number.MAX_SAFE_INTEGER, 0],
    [4_503_599_627_370_496, Number.MAX_SAFE_INTEGER, 1],
  ])('takes %d / %d to %d, ties to the even cent', (dividend, divisor, expected) => {
    expect(divideHalfEven(dividend, divisor)).toBe(expected)
  })

  it('agrees with exact integer arithmetic everywhere', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (dividend, divisor) => {
        const rounded = BigInt(divideHalfEven(dividend, divisor))
        const twiceOff = (BigInt(dividend) - rounded * BigInt(divisor)) * 2n
        const size = twiceOff < 0n ? -twiceOff : twiceOff
        expect(size < BigInt(divisor) || (size === BigInt(divisor) && rounded % 2n === 0n)).toBe(true)
      }),
    )
  })

  it.each([
    [1, 0],
    [1, -2],
    [1, 0.5],
    [0.5, 1],
    [Number.NaN, 1],
  ])('refuses %d / %d', (dividend, divisor) => {
    expect(() => divideHalfEven(dividend, divisor)).toThrow(RangeError)
  })

  it('makes the mean of nothing zero', () => {
    expect(meanOf({ count: 0, volume: 0 })).toBe(0)
    expect(meanOf({ count: 4, volume: 10 })).toBe(2)
  })
})

describe('a sum up to the limit', () => {
  it.each([
    [0, 0, 0],
    [1, 2, 3],
    [Number.MAX_SAFE_INTEGER - 1, 1, Number.MAX_SAFE_INTEGER],
    [Number.MAX_SAFE_INTEGER, 1, Number.MAX_SAFE_INTEGER],
    [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  ])('of %i and %i is %i', (left, right, sum) => {
    expect(addUpToLimit(left, right)).toBe(sum)
  })
})
