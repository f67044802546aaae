/**
 * The life of every service as a process: it starts, reports that it is ready, and ends when it is asked to. If it can't continue, it
 * writes the reason in one sentence to standard error. The stack of an error goes to the log.
 *
 *     starting ──► ready ──► stopping ──► exit 0
 *         │          │           │
 *         │          │           └─ too late, or with an error ─► exit 1
 *         │          └─ an error ends it ─► exit 1
 *         ├─ it can't start ─► exit 1
 *         └─ asked to stop ─► exit 0 at once: a service that is not ready has nothing to finish
 */
import type { Logger } from 'pino'
import { onStopRequest, tellParent } from './parent.ts'
import { type OwnVitals, tellVitals } from './vitals.ts'

/** A started service: when others may use it, how to end it, and the error that ends it. */
export type StartedService = {
  /** A few words for the user at the terminal, once others may use it; undefined if it ended before that. */
  readonly ready: string | Promise<string | undefined>
  /** Called once, when the process is asked to stop. After 5 seconds the process ends anyway, and reports it. */
  readonly close: () => Promise<unknown>
  /** Rejects with the error that ends it. */
  readonly done?: Promise<unknown>
  /** Called after it is reported as ready. */
  readonly onReady?: () => Promise<void>
}

/** The parts of a service, and the sentences with which it ends. */
export type ServiceOptions = {
  /** Its name in sentences: "The gateway". */
  readonly title: string
  /** From `openLogger`, so that the process can end in any state of its output. */
  readonly logger: Logger
  /** Starts it. An error ends the process. */
  readonly start: () => Promise<StartedService>
  /** Why it can't start, in one sentence; default: `reason`, the error's message. */
  readonly cannotStart?: (reason: string, error: unknown) => string
  /** Why it ended without a request; the same default. */
  readonly hasStopped?: (reason: string) => string
  /** The exit code for this error, undefined if there is none; default 1. */
  readonly exitCodeOf?: (error: unknown) => number
  /** Used from the start on, for a parent that asks for vitals. */
  readonly vitals?: () => OwnVitals
}

/** Ways to end the service from inside. */
export type RunningService = {
  /** Ends it, once. During its start: at once, or, with `wait`, when the start is over. */
  readonly stop: (reason: string, whileStarting?: 'exit' | 'wait') => void
  /** Ends the process with exit code 1 and this sentence. */
  readonly fail: (sentence: string, error?: unknown) => never
}

const shutdownTimeoutMs = 5_000

/**
 * Starts it, and runs as long as the process.
 * @example
 * ```ts
 * import { createServer } from 'node:http'
 * import { openLogger, portSetting, runService } from '@streampay/process'
 *
 * const logger = openLogger({ name: 'clock', level: process.env.LOG_LEVEL })
 * runService({
 *   title: 'The clock',
 *   logger,
 *   async start() {
 *     const port = portSetting(process.env, 'CLOCK_PORT', 8080)
 *     const server = createServer((_request, response) => response.end(new Date().toISOString()))
 *     await new Promise<void>((listening) => server.listen(port, listening))
 *     return { ready: `port ${port}`, close: () => server[Symbol.asyncDispose]() }
 *   },
 * })
 * ```
 */
export function runService(options: ServiceOptions): RunningService {
  const { title, logger, vitals, cannotStart = asIs, hasStopped = asIs, exitCodeOf = () => 1 } = options
  let started: StartedService | undefined
  let isStopping = false

  const fail = (sentence: string, error?: unknown): never => {
    logger.fatal({ err: error }, sentence)
    process.stderr.write(`${sentence}\n`)
    process.exit(exitCodeOf(error))
  }
  const end = (service: StartedService) => {
    setTimeout(() => fail(`${title} did not stop in time.`), shutdownTimeoutMs).unref()
    service.close().then(
      () => process.exit(0),
      (error: unknown) => fail(`${title} did not stop cleanly.`, error),
    )
  }
  const stop = (reason: string, whileStarting: 'exit' | 'wait' = 'exit') => {
    if (isStopping) return
    isStopping = true
    logger.info({ reason }, 'stopping')
    if (started !== undefined) end(started)
    else if (whileStarting === 'exit') process.exit(0)
  }
  const run = async () => {
    const service = await options.start()
    started = service
    service.done?.catch((error: unknown) => fail(hasStopped(messageOf(error)), error))
    if (isStopping) return end(service)
    const detail = await service.ready
    if (detail === undefined || isStopping) return
    logger.info({ detail }, 'ready')
    tellParent({ type: 'ready', detail })
    await service.onReady?.()
  }

  onStopRequest((reason) => stop(reason))
  if (vitals !== undefined) tellVitals(process.env, vitals)
  run().catch((error: unknown) => fail(cannotStart(messageOf(error), error), error))
  return { stop, fail }
}

const asIs = (reason: string) => reason

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
