/**
 * The process of the payments service. It is the unit of failure: an error after which memory and log could differ ends it
 * with a non-zero code, and its supervisor starts it again; the committed state is then restored from the log.
 *
 * SIGTERM and SIGINT stop it for a short time: its partitions are kept for it until its session ends. SIGUSR2 stops it permanently: it
 * leaves the groups, and the other processes get its partitions at once.
 */
import { applicationIds, type ServiceDoing } from '@streampay/domain'
import { clientOptionsFromEnv, exitCodeOf } from '@streampay/kafka'
import { type OwnVitals, openLogger, runService } from '@streampay/process'
import { configFrom } from './config.ts'
import { replicationFactorFrom } from './ensure-topics.ts'
import { type PaymentsService, startService } from './service.ts'

const { env } = process
const logger = openLogger({ level: env.LOG_LEVEL, base: { service: 'payments', pid: process.pid } })
const title = 'The payments service'

let service: PaymentsService | undefined
let leaves = false

process.once('SIGUSR2', () => {
  leaves = true
  // It can leave only a group that it has joined.
  running.stop('SIGUSR2', 'wait')
})
const running = runService({
  title,
  logger,
  exitCodeOf,
  vitals: () => vitalsOf(service),
  cannotStart: (reason) => `${title} cannot start: ${reason}`,
  hasStopped: (reason) => `${title} stopped: ${reason}`,
  async start() {
    const started = await startService({
      config: configFrom(env),
      client: { ...clientOptionsFromEnv(env, applicationIds.payments), logger },
      replicationFactor: replicationFactorFrom(env),
      logger,
    })
    service = started
    return {
      ready: `tasks ${tasksOf(started).join(', ')}`,
      done: started.done,
      close: () => started.close({ leave: leaves }),
    }
  },
})

function vitalsOf(service: PaymentsService | undefined): OwnVitals {
  if (service === undefined) return { doing: { what: 'restores-state' } satisfies ServiceDoing, figures: {} }
  const topologies = [...service.running.values()]
  const lag = topologies.reduce((sum, topology) => sum + topology.lag, 0)
  return { doing: doingOf(service), figures: { lag } }
}

function doingOf(service: PaymentsService): ServiceDoing {
  for (const { state } of service.running.values()) if (state !== 'running') return { what: 'changes-state', state }
  const partitions = tasksOf(service)
  return partitions.length === 0 ? { what: 'stands-by' } : { what: 'processes-partitions', partitions }
}

/** Of all its topologies, ascending. */
function tasksOf({ running }: PaymentsService): number[] {
  const tasks = new Set([...running.values()].flatMap((topology) => topology.tasks))
  return [...tasks].sort((a, b) => a - b)
}
