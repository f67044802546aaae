/**
 * The running audit as a process: reads the log once a second and sends its parent the results. Configured by KAFKA_BROKERS, the other
 * KAFKA_* settings, and LOG_LEVEL.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { clientOptionsFromEnv, exitCodeOf, KafkaError, openCluster } from '@streampay/kafka'
import { onStopRequest, openLogger, tellParent } from '@streampay/process'
import { UndecidableError, UnreadableError } from '../errors.ts'
import { RunningAudit } from './running-audit.ts'

const everyMs = 1_000
const { env } = process
const logger = openLogger({ name: 'books', level: env.LOG_LEVEL })
const stop = new AbortController()

try {
  await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exit(exitCodeOf(error))
}

async function main(): Promise<void> {
  onStopRequest((reason) => {
    logger.info({ reason }, 'closing')
    stop.abort()
    // A look may wait for an open transaction; it has no state that must be kept.
    process.exit(0)
  })
  const cluster = openCluster(clientOptionsFromEnv(env, 'streampay-books'))
  await cluster.ready()
  tellParent({ type: 'ready', detail: 'checks the books once a second' })
  let audit: RunningAudit | undefined
  while (!stop.signal.aborted) {
    try {
      audit ??= await RunningAudit.begin(cluster, Date.now)
      const books = await audit.look()
      if (process.connected) process.send?.({ type: 'books', books }, undefined, undefined, () => undefined)
    } catch (error) {
      if (!mayPass(error)) throw error
      logger.warn({ err: error }, 'the books cannot be checked now')
      if (audit?.isBroken) audit = undefined
    }
    await delay(everyMs)
  }
}

/** The log or a service is away for a moment, or a service has not started yet. */
function mayPass(error: unknown): boolean {
  return error instanceof KafkaError || error instanceof UndecidableError || error instanceof UnreadableError
}
