/**
 * The running audit as a process: reads the log once a second and sends its parent the results. Configured by KAFKA_BROKERS, the other
 * KAFKA_* settings, and LOG_LEVEL.
 */
import { type Cluster, clientOptionsFromEnv, exitCodeOf, KafkaError, openCluster } from '@streampay/kafka'
import { openLogger, pause, runService } from '@streampay/process'
import { UndecidableError, UnreadableError } from '../errors.ts'
import { RunningAudit } from './running-audit.ts'

const everyMs = 1_000
const { env } = process
const logger = openLogger({ name: 'books', level: env.LOG_LEVEL })

runService({
  title: 'The running audit',
  logger,
  exitCodeOf,
  async start() {
    const stop = new AbortController()
    const cluster = openCluster(clientOptionsFromEnv(env, 'streampay-books'))
    await cluster.ready()
    return {
      ready: 'checks the books once a second',
      done: check(cluster, stop.signal),
      // A look may wait for an open transaction, and has no state that must be kept: it is not waited for.
      close: async () => stop.abort(),
    }
  },
})

async function check(cluster: Cluster, stop: AbortSignal): Promise<void> {
  let audit: RunningAudit | undefined
  while (!stop.aborted) {
    try {
      audit ??= await RunningAudit.begin(cluster, Date.now)
      const books = await audit.look()
      if (process.connected) process.send?.({ type: 'books', books }, undefined, undefined, () => undefined)
    } catch (error) {
      if (!mayPass(error)) throw error
      logger.warn({ err: error }, 'the books cannot be checked now')
      if (audit?.isBroken) audit = undefined
    }
    await pause(everyMs, stop)
  }
}

/** The log or a service is away for a moment, or a service has not started yet. */
function mayPass(error: unknown): boolean {
  return error instanceof KafkaError || error instanceof UndecidableError || error instanceof UnreadableError
}
