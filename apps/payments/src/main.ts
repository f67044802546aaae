/**
 * The process of the payments service. It is the unit of failure: any fault that could leave memory and log apart ends it
 * with a non-zero code, and whoever started it starts it again; what was committed is then restored from the log.
 */
import { applicationIds } from '@streampay/domain'
import { clientOptionsFromEnv, isLogAway, logAwayExitCode } from '@streampay/kafka'
import { pino } from 'pino'
import { configFrom } from './config.ts'
import { replicationFactorFrom } from './ensure-topics.ts'
import { type PaymentsService, startService } from './service.ts'

const shutdownTimeoutMs = 5_000

const logger = pino({ level: process.env.LOG_LEVEL || 'info', base: { service: 'payments', pid: process.pid } })

let service: PaymentsService | undefined
let stopping = false

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop(signal))
// The launcher is gone: nobody would restart or stop this process any more.
process.once('disconnect', () => stop('disconnect'))

try {
  service = await startService({
    config: configFrom(process.env),
    client: { ...clientOptionsFromEnv(process.env, applicationIds.payments), logger },
    replicationFactor: replicationFactorFrom(process.env),
    logger,
  })
  if (stopping) exitAfterClosing(service)
  service.done.catch((error: unknown) => fail('The payments service stopped', error))
  process.send?.({ type: 'ready', detail: `tasks ${tasksOf(service)}` })
} catch (error) {
  fail('The payments service cannot start', error)
}

function stop(reason: string): void {
  if (stopping) return
  stopping = true
  logger.info({ reason }, 'stopping')
  if (service === undefined) process.exit(0)
  exitAfterClosing(service)
}

function exitAfterClosing(running: PaymentsService): void {
  setTimeout(() => fail('The payments service did not stop in time', undefined), shutdownTimeoutMs).unref()
  running.close().then(
    () => process.exit(0),
    (error: unknown) => fail('The payments service did not stop cleanly', error),
  )
}

/** One sentence on stderr for whoever started this process; the stack goes to the log. */
function fail(what: string, error: unknown): never {
  logger.fatal({ err: error }, what)
  const reason = error instanceof Error ? error.message : error === undefined ? '' : String(error)
  process.stderr.write(`${reason === '' ? what : `${what}: ${reason}`}\n`)
  process.exit(isLogAway(error) ? logAwayExitCode : 1)
}

function tasksOf({ running }: PaymentsService): string {
  const tasks = new Set([...running.values()].flatMap((topology) => topology.tasks))
  return [...tasks].sort((a, b) => a - b).join(', ')
}
