/**
 * The process of the payments service. It is the unit of failure: an error after which memory and log could differ ends it
 * with a non-zero code, and its supervisor starts it again; the committed state is then restored from the log.
 *
 * SIGTERM and SIGINT stop it for a short time: its partitions are kept for it until its session ends. SIGUSR2 stops it permanently: it
 * leaves the groups, and the other processes get its partitions at once.
 */
import { applicationIds } from '@streampay/domain'
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
      ready: `tasks ${tasksOf(started)}`,
      done: started.done,
      close: () => started.close({ leave: leaves }),
    }
  },
})

function vitalsOf(service: PaymentsService | undefined): OwnVitals {
  if (service === undefined) return { doing: 'starts: restores its state from the log', figures: {} }
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
