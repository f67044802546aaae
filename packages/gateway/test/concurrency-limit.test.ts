import { describe, expect, it } from 'vitest'
import { SlowService } from './support/slow-service.ts'

/** More than anything here can do. */
const flood = 5_000

describe('the limit on waiting commands', () => {
  it.each([
    ['far less than at the start', 40],
    ['somewhat less', 300],
    ['more', 1_500],
    ['far more', 6_000],
  ])('keeps the wait near its target whatever the service can do: %s', (_what, rate) => {
    const service = new SlowService(rate)
    const limit = service.limit()
    service.run(30_000, () => service.send(limit, flood))
    service.takeWaits()
    service.run(20_000, () => service.send(limit, flood))
    const { count, mean, most } = service.takeWaits()
    expect(mean).toBeLessThan(600)
    expect(most).toBeLessThan(1_000)
    // Nothing of what the service can do is left unused.
    expect(count).toBeGreaterThan(rate * 20 * 0.95)
    expect(service.refused).toBeGreaterThan(0)
  })

  it('follows a service that becomes slower, within a few of its waits, and one that becomes faster', () => {
    const service = new SlowService(2_000)
    const limit = service.limit()
    service.run(20_000, () => service.send(limit, flood))
    service.ratePerSecond = 200
    service.run(15_000, () => service.send(limit, flood))
    service.takeWaits()
    service.run(10_000, () => service.send(limit, flood))
    expect(service.takeWaits().most).toBeLessThan(1_000)
    service.ratePerSecond = 2_000
    service.run(10_000, () => service.send(limit, flood))
    service.takeWaits()
    service.run(1_000, () => service.send(limit, flood))
    expect(service.takeWaits().count).toBeGreaterThan(1_900)
  })

  it('accepts a few when no service answers, and opens again by itself', () => {
    const service = new SlowService(1_000)
    const limit = service.limit()
    service.run(10_000, () => service.send(limit, 5))
    service.ratePerSecond = 0
    service.run(3_000, () => service.send(limit, 5))
    expect(limit.silenceMs).toBeGreaterThanOrEqual(1_500)
    expect(limit.allow()).toBe(8)
    service.ratePerSecond = 1_000
    service.run(3_000, () => service.send(limit, 5))
    service.takeWaits()
    service.refused = 0
    service.run(3_000, () => service.send(limit, 5))
    expect(service.refused).toBe(0)
    expect(service.takeWaits()).toMatchObject({ count: 1_500, most: 10 })
  })

  it('does not take idleness for silence', () => {
    const service = new SlowService(1_000)
    const limit = service.limit()
    service.run(60_000, () => undefined)
    service.send(limit, 1)
    expect([limit.silenceMs, limit.allow()]).toEqual([0, 256])
    service.run(1_000, () => undefined)
    expect([limit.silenceMs, limit.allow(), limit.waiting]).toEqual([0, 256, 0])
  })

  it('does not grow beyond what is used', () => {
    const service = new SlowService(10_000)
    const limit = service.limit()
    service.run(60_000, () => service.send(limit, 20))
    expect(limit.allow()).toBe(256)
    service.run(1_000, () => service.send(limit, 99))
    service.run(60_000, () => service.send(limit, 20))
    expect(limit.allow()).toBeLessThan(1_000)
  })

  it('is halved at most once by what one limit let in', () => {
    const service = new SlowService(0)
    const limit = service.limit({ first: 1_000, silenceMs: 60_000 })
    service.send(limit, 1_000)
    service.run(5_000, () => undefined)
    service.ratePerSecond = 100_000
    service.run(1_000, () => undefined)
    expect(limit.allow()).toBe(500)
  })

  it('learns nothing from commands that left, and counts each end once', () => {
    const service = new SlowService(0)
    const limit = service.limit()
    const waiting = limit.enter()
    waiting.left()
    waiting.answered()
    expect(limit.waiting).toBe(0)
  })

  it('is shared fairly by gateways that meet at one service', () => {
    const service = new SlowService(1_000)
    const early = service.limit()
    service.run(30_000, () => service.send(early, flood))
    const late = service.limit({ first: 8 })
    const both = () => {
      service.send(late, flood)
      service.send(early, flood)
    }
    service.run(120_000, both)
    expect(late.allow() / early.allow()).toBeGreaterThan(0.5)
    service.takeWaits()
    service.run(10_000, both)
    expect(service.takeWaits().most).toBeLessThan(1_200)
  })
})
