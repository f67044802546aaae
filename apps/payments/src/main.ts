/**
 * The process of the payments service. It is the unit of failure: any fault that could leave memory and log apart ends it
 * with a non-zero code, and whoever started it starts it again; what was committed is then restored from the log.
 *
 * SIGTERM and SIGINT stop it for a while: its partitions wait for it, a session long. SIGUSR2 stops it for good: it leaves
 * the groups, and the other processes take its partitions at once.
 */
import { applicationIds } from '@streampay/domain'
import { clientOptionsFromEnv, isLogAway, logAwayExitCode } from '@streampay/kafka'
import { type OwnVitals, onStopRequest, openLogger, tellParent, tellVitals } from '@streampay/process'
import { configFrom } from './config.ts'
import { replicationFactorFrom } from './ensure-topics.ts'
import { type PaymentsService, startService } from './service.ts'

const shutdownTimeoutMs = 5_000

const logger = openLogger({ level: process.env.LOG_LEVEL || 'info', base: { service: 'payments', pid: process.pid } })

let service: PaymentsService | undefined
let stopping: 'for a while' | 'for good' | undefined

onStopRequest((reason) => stop(reason))
tellVitals(process.env, () => vitalsOf(service))
process.once('SIGUSR2', () => stop('SIGUSR2', 'for good'))

try {
  service = await startService({
    config: configFrom(process.env),
    client: { ...clientOptionsFromEnv(process.env, applicationIds.payments), logger },
    replicationFactor: replicationFactorFrom(process.env),
    logger,
  })
  if (stopping !== undefined) exitAfterClosing(service)
  service.done.catch((error: unknown) => fail('The payments service stopped', error))
  tellParent({ type: 'ready', detail: `tasks ${tasksOf(service)}` })
} catch (error) {
  fail('The payments service cannot start', error)
}

function stop(reason: string, how: 'for a while' | 'for good' = 'for a while'): void {
  if (stopping !== undefined) return
  stopping = how
  logger.info({ reason, how }, 'stopping')
  // Whoever is to leave must have finished joining: the start ends, and then this.
  if (service !== undefined) exitAfterClosing(service)
  else if (how === 'for a while') process.exit(0)
}

function exitAfterClosing(running: PaymentsService): void {
  setTimeout(() => fail('The payments service did not stop in time', undefined), shutdownTimeoutMs).unref()
  running.close({ leave: stopping === 'for good' }).then(
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

function vitalsOf(service: PaymentsService | undefined): OwnVitals {
  if (service === undefined) return { doing: 'starts: restores what the log says', figures: {} }
  const topologies = [...service.running.values()]
  const lag = topologies.reduce((sum, topology) => sum + topology.lag, 0)
  const tasks = tasksOf(service)
  const work = tasks === '' ? 'stands by' : `processes partitions ${tasks}`
  const isRunning = topologies.every(({ state }) => state === 'running')
  return { doing: isRunning ? work : topologies.map(({ state }) => state).join(', '), figures: { lag } }
}

function tasksOf({ running }: PaymentsService): string {
  const tasks = new Set([...running.values()].flatMap((topology) => topology.tasks))
  return [...tasks].sort((a, b) => a - b).join(', ')
}
