import type { Admin } from '@streampay/kafka'
import { pino } from 'pino'
import { expect, it, onTestFinished } from 'vitest'
import { LogMonitor } from '../src/operation/log-monitor.ts'

/** A monitor without feeds, whose log answers or not, on clocks that the test sets. */
function setUp() {
  const world = { now: 1_000_000, elapsed: 50, answers: true }
  const asked = Promise.withResolvers<void>()
  const listOffsets = async () => {
    asked.resolve()
    if (!world.answers) throw new Error('away')
    return []
  }
  const monitor = new LogMonitor({
    admin: { listOffsets } as unknown as Admin,
    feeds: [],
    clock: { now: () => world.now, elapsed: () => world.elapsed },
    logger: pino({ level: 'silent' }),
    everyMs: 60_000,
  })
  onTestFinished(() => monitor.close())
  return { world, monitor, asked: asked.promise }
}

const patienceMs = 240_000

it('takes the log for reachable once it has answered, for four rounds and no longer', async () => {
  const { world, monitor, asked } = setUp()
  expect(monitor.isReachable()).toBe(false)
  monitor.start()
  await asked
  await Promise.resolve()
  expect(monitor.isReachable()).toBe(true)
  world.elapsed += patienceMs
  expect(monitor.isReachable()).toBe(true)
  world.elapsed += 1
  expect(monitor.isReachable()).toBe(false)
})

// A laptop that woke up, or a clock that was corrected, made the log unreachable for a moment, or reachable for hours.
it('is not told anything by a wall clock that is set forward or back', async () => {
  const { world, monitor } = setUp()
  monitor.heard()
  world.now += 86_400_000
  expect(monitor.isReachable()).toBe(true)
  world.now -= 2 * 86_400_000
  world.elapsed += patienceMs + 1
  expect(monitor.isReachable()).toBe(false)
})

it('does not take a log that never answered for reachable in the first seconds of the process', async () => {
  const { world, monitor, asked } = setUp()
  world.answers = false
  monitor.start()
  await asked
  expect(monitor.isReachable()).toBe(false)
})
