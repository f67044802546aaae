/**
 * The payments service as its own main program starts it, which can be ordered to send itself a signal at a chosen step of its next
 * transaction. From outside that moment could not be hit: Kafka finishes a step within a millisecond.
 *
 * Takes `{ step, signal }`, answers with `{ type: 'signalled', at }` just before; takes `'state'`, answers with its tasks.
 */
import { clientOptionsFromEnv } from '@streampay/kafka'
import { pino } from 'pino'
import { configFrom } from '../../src/config.ts'
import { type PaymentsService, startService } from '../../src/service.ts'

export type Crash = { readonly step: 'offsets' | 'commit'; readonly signal: 'SIGKILL' | 'SIGSTOP' }
export type State = { readonly tasks: readonly number[]; readonly standbys: readonly number[] }
export type FromProcess =
  | { readonly type: 'ready' }
  /** `at` is in ms since the epoch: on one machine, all processes have the same clock. */
  | { readonly type: 'signalled'; readonly at: number }
  | ({ readonly type: 'state' } & State)

let crash: Crash | undefined
let service: PaymentsService | undefined

const logger = pino({ level: 'info' })
process.on('message', (message: Crash | 'state') => {
  const { tasks = [], standbys = [] } = service?.running.get('payments') ?? {}
  if (message === 'state') void tell({ type: 'state', tasks, standbys })
  else crash = message
})
process.once('SIGTERM', () => service?.close().then(() => process.exit(0), end))
process.once('SIGUSR2', () => service?.close({ leave: true }).then(() => process.exit(0), end))
process.once('disconnect', () => process.exit(1))

const before = async (step: string) => {
  if (crash?.step !== step) return
  const { signal } = crash
  crash = undefined
  await tell({ type: 'signalled', at: Date.now() })
  process.kill(process.pid, signal)
}

try {
  service = await startService({
    config: configFrom(process.env),
    client: { ...clientOptionsFromEnv(process.env, 'streampay-payments'), logger },
    replicationFactor: -1,
    logger,
    hooks: { payments: { before } },
  })
  service.done.catch(end)
  await tell({ type: 'ready' })
} catch (error) {
  end(error)
}

/** Resolves when the message has left this process. */
function tell(message: FromProcess): Promise<void> {
  return new Promise((resolve) => process.send?.(message, () => resolve()))
}

function end(error: unknown): void {
  logger.fatal({ err: error }, 'the service stopped')
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}
