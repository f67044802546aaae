import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { openRefusalDelay, type RefusalDelay } from '../src/http/refusal-delay.ts'

let now: number
let refusalDelay: RefusalDelay

beforeEach(() => {
  vi.useFakeTimers()
  now = 0
  refusalDelay = openRefusalDelay({ elapsed: () => now, mostHeld: 3, mostMs: 1_000 })
})
afterEach(() => {
  refusalDelay.close()
  vi.useRealTimers()
})

/** Turns of the event loop that each begin so much later than they should. */
function turns(count: number, lateMs: number): void {
  for (let n = 0; n < count; n++) {
    now += 50 + lateMs
    vi.advanceTimersByTime(50)
  }
}

/** How many have been told so far. */
function hold(count: number): () => number {
  let told = 0
  for (let n = 0; n < count; n++) void refusalDelay.hold().then(() => told++)
  return () => told
}

it('sends refusals at once as long as the event loop keeps up', async () => {
  turns(100, 20)
  const told = hold(10)
  await vi.advanceTimersByTimeAsync(0)
  expect([told(), refusalDelay.held()]).toEqual([10, 0])
})

it('holds them back for longer the longer the loop is behind, up to a bound', async () => {
  turns(3, 100)
  const early = hold(1)
  await vi.advanceTimersByTimeAsync(250)
  expect([early(), refusalDelay.held()]).toEqual([0, 1])
  await vi.advanceTimersByTimeAsync(100)
  expect([early(), refusalDelay.held()]).toEqual([1, 0])
  turns(100, 500)
  const late = hold(1)
  await vi.advanceTimersByTimeAsync(999)
  expect(late()).toBe(0)
  await vi.advanceTimersByTimeAsync(1)
  expect(late()).toBe(1)
})

it('holds no more than so many', async () => {
  turns(10, 500)
  const told = hold(5)
  await vi.advanceTimersByTimeAsync(0)
  expect([told(), refusalDelay.held()]).toEqual([2, 3])
})

it('sends them at once again when the loop has kept up for a while', async () => {
  turns(10, 500)
  turns(100, 0)
  const told = hold(1)
  await vi.advanceTimersByTimeAsync(0)
  expect(told()).toBe(1)
})

it('sends all when it closes', async () => {
  turns(10, 500)
  const told = hold(3)
  refusalDelay.close()
  await vi.advanceTimersByTimeAsync(0)
  expect([told(), refusalDelay.held()]).toEqual([3, 0])
})
