/** The broker as a process: settings from the environment, a clean end, and one sentence where it can't run. */
import { openLogger, runService } from '@streampay/process'
import { type Broker, type BrokerOptions, startBroker } from './broker.ts'
import { systemClock } from './clock.ts'
import { optionsFromEnv, startFault } from './options-from-env.ts'

/**
 * Serves until SIGTERM, SIGINT, or the parent is gone. Exits with 1 when the broker can't start, or can't write any more.
 * @param overrides what no setting says: the file system, for tests
 */
export function runBrokerProcess(overrides: Pick<BrokerOptions, 'files'> = {}): void {
  const logger = openLogger({ level: process.env.LOG_LEVEL, name: 'broker' })
  let broker: Broker | undefined
  runService({
    title: 'The broker',
    logger,
    cannotStart: (reason) => `broker: ${reason}`,
    hasStopped: (reason) => `broker: the log can't be written any more: ${reason}`,
    vitals: () => {
      if (broker === undefined) return { doing: 'starts: opens the log', figures: {} }
      const { connections } = broker
      return { doing: `serves ${connections} connections`, figures: { connections } }
    },
    async start() {
      const { dataDir, ...fromEnv } = optionsFromEnv(process.env)
      if (dataDir === undefined) throw new Error('BROKER_DATA_DIR must name the folder for the log')
      const options = { ...fromEnv, dataDir, ...overrides, logger }
      const started = await startBroker(options).catch((error: unknown) => {
        throw new Error(startFault(error, options), { cause: error })
      })
      broker = started
      process.on('message', (message: unknown) => disturb(started, message))
      const { host, port } = started
      logger.info({ host, port, dataDir }, 'serving')
      return {
        ready: `${host}:${port}`,
        close: () => started.close(),
        // A log that can't write can't be trusted to go on: the next start recovers what is durable.
        done: started.failure.then((error) => Promise.reject(error)),
      }
    },
  })
}

/** Until clients are counted as back. */
const lookEveryMs = 20
const mostLooksMs = 10_000

/**
 * A parent may order `{ type: 'disturb', what: 'cut' }`, or `{ type: 'disturb', what: 'slow', delayMs, forMs }`, and is told by
 * `{ type: 'undisturbed' }` when half of the connections are there again, or the time is over.
 */
function disturb(broker: Broker, message: unknown): void {
  const order = Object(message) as { readonly type?: unknown; readonly what?: unknown }
  if (order.type !== 'disturb') return
  const undisturbed = () => {
    if (process.connected) process.send?.({ type: 'undisturbed' }, undefined, undefined, () => undefined)
  }
  if (order.what === 'cut') {
    // Some clients open theirs only when they need one again.
    const wanted = Math.ceil(broker.faults.cut() / 2)
    const until = systemClock.now() + mostLooksMs
    const timer = setInterval(() => {
      if (broker.connections < wanted && systemClock.now() < until) return
      clearInterval(timer)
      undisturbed()
    }, lookEveryMs)
    timer.unref()
    return
  }
  const { delayMs = 0, forMs = 0 } = order as { readonly delayMs?: number; readonly forMs?: number }
  const fault = broker.faults.delay({ ms: delayMs })
  setTimeout(() => {
    fault.end()
    undisturbed()
  }, forMs).unref()
}
