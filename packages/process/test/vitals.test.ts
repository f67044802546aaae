import { expect, test } from 'vitest'
import { Durations } from '../src/vitals.ts'

test('durations are counted, and sampled evenly where there are very many', () => {
  const durations = new Durations()
  for (let ms = 0; ms < 10_000; ms += 1) durations.add(ms)
  const { count, tookMs } = durations.take()
  expect(count).toBe(10_000)
  expect(tookMs.length).toBeLessThan(500)
  expect(tookMs.length).toBeGreaterThan(100)
  const middle = [...tookMs].sort((left, right) => left - right)[Math.floor(tookMs.length / 2)] ?? 0
  expect(Math.abs(middle - 5_000)).toBeLessThan(1_500)
  expect(durations.take()).toEqual({ count: 0, tookMs: [] })
})

test('a few durations are kept as they are', () => {
  const durations = new Durations()
  for (const ms of [3, 1, 2]) durations.add(ms)
  expect(durations.take()).toEqual({ count: 3, tookMs: [3, 1, 2] })
})
