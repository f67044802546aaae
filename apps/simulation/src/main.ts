/**
 * The simulated users as a process. Configured by KAFKA_BROKERS and its TLS and SASL settings, SIMULATION_SPEED (1),
 * SIMULATION_SEED (default: another for each start), SIMULATION_USERS (20), SIMULATION_MAX_USERS (100),
 * SIMULATION_USER_EVERY_MS (8000) and LOG_LEVEL (info).
 */
import type { ServiceDoing } from '@streampay/domain'
import { clientOptionsFromEnv, exitCodeOf, openCluster } from '@streampay/kafka'
import {
  Durations,
  numberSetting,
  openLogger,
  pause,
  runService,
  textSetting,
  wholeNumberSetting,
} from '@streampay/process'
import { v7 } from 'uuid'
import { maxVirtualUsers } from './people.ts'
import { openRandom } from './random.ts'
import { type RunningSimulation, startSimulation } from './simulation.ts'

const connectTimeoutMs = 30_000
const { env } = process
const logger = openLogger({ name: 'simulation', level: env.LOG_LEVEL })
const answered = new Durations()
let simulation: RunningSimulation | undefined

process.on('message', (message: unknown) => {
  const { type, speed: wanted } = Object(message) as { readonly type?: unknown; readonly speed?: unknown }
  if (type === 'speed' && typeof wanted === 'number' && wanted > 0) simulation?.setSpeed(wanted)
})

runService({
  title: 'The simulation',
  logger,
  exitCodeOf,
  vitals() {
    if (simulation === undefined) return { doing: { what: 'waits-for-log' } satisfies ServiceDoing, figures: {} }
    const { count, tookMs } = answered.take()
    const { people, inFlight, speed } = simulation.status()
    const doing: ServiceDoing = { what: 'simulates', people, speed }
    return { doing, figures: { answered: count, waiting: inFlight }, tookMs }
  },
  async start() {
    const startId = v7()
    const users = { min: 0, max: maxVirtualUsers }
    const speed = numberSetting(env, 'SIMULATION_SPEED', { fallback: 1, min: 0.01, max: 1000 })
    const firstUsers = wholeNumberSetting(env, 'SIMULATION_USERS', { fallback: 20, ...users })
    const maxUsers = wholeNumberSetting(env, 'SIMULATION_MAX_USERS', { fallback: 100, ...users })
    const userEveryMs = numberSetting(env, 'SIMULATION_USER_EVERY_MS', { fallback: 8000, min: 1, max: 86_400_000 })
    const seed = textSetting(env, 'SIMULATION_SEED', startId)
    const cluster = openCluster(clientOptionsFromEnv(env, 'streampay-simulation'))
    await cluster.ready({ timeoutMs: connectTimeoutMs })
    const started = await startSimulation({
      cluster,
      crowd: { random: openRandom(seed), firstUsers, maxUsers, userEveryMs },
      speed,
      keyPrefix: `simulation-${startId}`,
      newId: () => v7(),
      clock: { elapsed: () => performance.now(), delay: pause },
      logger,
      onAnswered: (tookMs) => answered.add(tookMs),
    })
    simulation = started
    logger.info({ seed, speed, knownUsers: started.knownUsers }, 'simulating')
    const people = Math.min(maxUsers, Math.max(started.knownUsers, firstUsers))
    return {
      ready: `${people} virtual users, up to ${maxUsers}, at speed ${speed}`,
      done: started.done,
      close: () => started.close().then(() => cluster.close()),
    }
  },
})
