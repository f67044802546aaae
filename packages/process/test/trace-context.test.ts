import { describe, expect, it } from 'vitest'
import { newTraceparent, openSampler, readTraceparent, wallClock } from '../src/index.ts'

const traceId = 'a'.repeat(32)

describe('traceparent', () => {
  it.each([
    ['01', true],
    ['00', false],
    ['03', true],
    ['02', false],
  ])('with the flags %s is sampled: %s', (flags, isSampled) => {
    expect(readTraceparent(`00-${traceId}-${'b'.repeat(16)}-${flags}`)).toEqual({ traceId, isSampled })
  })

  it.each([
    undefined,
    '',
    `00-${'0'.repeat(32)}-${'b'.repeat(16)}-01`,
    `00-${traceId}-${'0'.repeat(16)}-01`,
    `01-${traceId}-${'b'.repeat(16)}-01`,
    `00-${traceId}-${'b'.repeat(16)}-01-more`,
    `00-${traceId.toUpperCase()}-${'b'.repeat(16)}-01`,
  ])('%s is none', (text) => {
    expect(readTraceparent(text)).toBeUndefined()
  })

  it('is new, or continues a trace', () => {
    const random = Buffer.from(Array.from({ length: 24 }, (_, n) => n + 1))
    const made = newTraceparent(random, { isSampled: true })
    expect(made).toBe('00-090a0b0c0d0e0f101112131415161718-0102030405060708-01')
    const further = newTraceparent(random.subarray(0, 8), { traceId, isSampled: false })
    expect(further).toBe(`00-${traceId}-0102030405060708-00`)
    expect(readTraceparent(further)).toEqual({ traceId, isSampled: false })
  })
})

describe('a sampler', () => {
  it('takes a number each second, of one subject fewer, and begins again with the next second', () => {
    let now = 5
    const sampler = openSampler({ perSecond: 5, perSecondOfOne: 3, elapsed: () => now })
    const taken = (subject: string) => Array.from({ length: 10 }, () => sampler.take(subject)).filter(Boolean).length
    expect([taken('ada'), taken('bob'), taken('cid')]).toEqual([3, 2, 0])
    now += 999
    expect(taken('cid')).toBe(0)
    now += 1
    expect([taken('cid'), taken('ada')]).toEqual([3, 2])
  })

  it('takes none with a rate of 0', () => {
    expect(openSampler({ perSecond: 0, perSecondOfOne: 3, elapsed: () => 0 }).take('ada')).toBe(false)
  })
})

describe('the wall clock', () => {
  it('is that of the system, and continues', () => {
    const first = wallClock()
    expect(Math.abs(first - Date.now())).toBeLessThan(3)
    expect(wallClock()).toBeGreaterThanOrEqual(first)
  })
})
