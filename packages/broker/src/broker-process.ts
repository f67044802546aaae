/** The broker as a process: settings from the environment, an orderly end, and one sentence if it can't run. */
import { openLogger, runService } from '@streampay/process'
import { type Broker, type BrokerOptions, startBroker } from './broker.ts'
import { systemClock } from './clock.ts'
import { optionsFromEnv, startFault } from './options-from-env.ts'

/**
 * Serves until SIGTERM, SIGINT, or the end of the parent process. Exits with 1 if the broker can't start, or can't write any more.
 * @param overrides options that no setting has: the file system, for tests
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
      if (broker === undefined) return { doing: { what: 'opens-log' }, figures: {} }
      const { connections } = broker
      return { doing: { what: 'serves-connections', count: connections }, figures: { connections } }
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
        // A log that can't write must not continue: the next start recovers the durable data.
        done: started.failure.then((error) => Promise.reject(error)),
      }
    },
  })
}

/** The time limit until clients have reconnected. */
const lookEveryMs = 20
const mostLooksMs = 10_000

/**
 * A parent may send `{ type: 'disturb', what: 'cut' }`, or `{ type: 'disturb', what: 'slow', delayMs, forMs }`, and gets
 * `{ type: 'undisturbed' }` when half of the connections are open again, or after the time limit.
 */
function disturb(broker: Broker, message: unknown): void {
  const order = Object(message) as { readonly type?: unknown; readonly what?: unknown }
  if (order.type !== 'disturb') return
  const undisturbed = () => {
    if (process.connected) process.send?.({ type: 'undisturbed' }, undefined, undefined, () => undefined)
  }
  if (order.what === 'cut') {
    // Some clients reconnect only when they need a connection.
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
