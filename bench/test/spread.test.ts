import { describe, expect, it } from 'vitest'
import { median, percentile, ratios, spreadOf } from '../harness/spread.ts'

describe('the arithmetic of measurements', () => {
  it('takes the middle value, or the mean of the two in the middle, in any order', () => {
    expect(median([9, 1, 5])).toBe(5)
    expect(median([10, 1, 4, 2])).toBe(3)
    expect(median([100, 20, 3])).toBe(20)
  })

  it('takes percentiles by the nearest rank: a value that was measured, never one beyond the last', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => 100 - index)
    expect(percentile(hundred, 0.5)).toBe(50)
    expect(percentile(hundred, 0.99)).toBe(99)
    expect(percentile(hundred, 1)).toBe(100)
    expect(percentile([7], 0.01)).toBe(7)
    expect(percentile([1, 2], 0.51)).toBe(2)
  })

  it('has least and most beside the median', () => {
    expect(spreadOf([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 })
  })

  it('throws for no values, or a value that is no number', () => {
    expect(() => spreadOf([])).toThrow('no median of []')
    expect(() => spreadOf([1, Number.NaN])).toThrow('no median of [1, NaN]')
  })

  it('compares within rounds, so that a slow round does not look like a slow subject', () => {
    expect(ratios([1, 20], [2, 40])).toEqual({ median: 0.5, min: 0.5, max: 0.5 })
    expect(() => ratios([1], [1, 2])).toThrow("1 rounds can't be compared with 2")
  })
})
