/**
 * The simulated users as a process. Configured by KAFKA_BROKERS and its TLS and SASL settings, SIMULATION_SPEED (1),
 * SIMULATION_SEED (default: another for each start), SIMULATION_USERS (20), SIMULATION_MAX_USERS (100),
 * SIMULATION_USER_EVERY_MS (8000) and LOG_LEVEL (info).
 */
import { setTimeout as delay } from 'node:timers/promises'
import { clientOptionsFromEnv, isLogAway, logAwayExitCode, openCluster } from '@streampay/kafka'
import { Durations, onStopRequest, openLogger, tellParent, tellVitals } from '@streampay/process'
import { v7 } from 'uuid'
import { maxVirtualUsers } from './people.ts'
import { openRandom } from './random.ts'
import { startSimulation } from './simulation.ts'

const connectTimeoutMs = 30_000
const shutdownTimeoutMs = 5_000
const { env } = process
const logger = openLogger({ name: 'simulation', level: env.LOG_LEVEL ?? 'info' })

try {
  await main()
} catch (error) {
  fail(error)
}

/** One sentence on stderr for the process that started this one. */
function fail(error: unknown): never {
  console.error(error instanceof Error ? error.message : String(error))
  process.exit(isLogAway(error) ? logAwayExitCode : 1)
}

async function main(): Promise<void> {
  const startId = v7()
  const speed = numberOf('SIMULATION_SPEED', { fallback: 1, min: 0.01, max: 1000 })
  const firstUsers = numberOf('SIMULATION_USERS', { fallback: 20, min: 0, max: maxVirtualUsers })
  const maxUsers = numberOf('SIMULATION_MAX_USERS', { fallback: 100, min: 0, max: maxVirtualUsers })
  const userEveryMs = numberOf('SIMULATION_USER_EVERY_MS', { fallback: 8000, min: 1, max: 86_400_000 })
  const seed = env.SIMULATION_SEED ?? startId
  const cluster = openCluster(clientOptionsFromEnv(env, 'streampay-simulation'))
  await cluster.ready({ timeoutMs: connectTimeoutMs })
  const answered = new Durations()
  const simulation = await startSimulation({
    cluster,
    crowd: { random: openRandom(seed), firstUsers, maxUsers, userEveryMs },
    speed,
    keyPrefix: `simulation-${startId}`,
    newId: () => v7(),
    clock: { elapsed: () => performance.now(), delay: pause },
    logger,
    onAnswered: (tookMs) => answered.add(tookMs),
  })
  process.on('message', (message: unknown) => {
    const { type, speed: wanted } = Object(message) as { readonly type?: unknown; readonly speed?: unknown }
    if (type === 'speed' && typeof wanted === 'number' && wanted > 0) simulation.setSpeed(wanted)
  })
  tellVitals(env, () => {
    const { count, tookMs } = answered.take()
    const { people, inFlight, speed: now } = simulation.status()
    return {
      doing: `${people} virtual people at speed ${now}`,
      figures: { answered: count, waiting: inFlight },
      tookMs,
    }
  })
  const shutDown = async (reason: string) => {
    logger.info({ reason }, 'closing')
    setTimeout(() => fail(new Error('The simulation did not stop in time.')), shutdownTimeoutMs).unref()
    await simulation.close()
    await cluster.close()
    process.exit(0)
  }
  onStopRequest((reason) => void shutDown(reason))
  logger.info({ seed, speed, knownUsers: simulation.knownUsers }, 'ready')
  const people = Math.min(maxUsers, Math.max(simulation.knownUsers, firstUsers))
  tellParent({ type: 'ready', detail: `${people} virtual users, up to ${maxUsers}, at speed ${speed}` })
  await simulation.done
}

function numberOf(name: string, { fallback, min, max }: { fallback: number; min: number; max: number }): number {
  const text = env[name]
  const value = text === undefined ? fallback : Number(text)
  if (!(value >= min && value <= max)) throw new Error(`${name} must be from ${min} to ${max}; "${text}" isn't.`)
  return value
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error
  })
}
