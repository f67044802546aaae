/** The broker as a process: settings from the environment, a clean end, and one sentence where it can't run. */
import { onStopRequest, openLogger, tellParent, tellVitals } from '@streampay/process'
import { type Broker, type BrokerOptions, startBroker } from './broker.ts'
import { systemClock } from './clock.ts'
import type { BrokerConfig, SaslCredential } from './server/config.ts'
import { configFromEnv } from './server/config-from-env.ts'

const CLOSE_TIMEOUT_MS = 5000

/**
 * Serves until SIGTERM, SIGINT, or the parent is gone. Exits with 1 when the broker can't start, or can't write any more.
 * @param overrides what no setting says: the file system, for tests
 */
export async function runBrokerProcess(overrides: Pick<BrokerOptions, 'files'> = {}): Promise<void> {
  const logger = openLogger({ level: process.env.LOG_LEVEL ?? 'info', name: 'broker' })
  const options = { ...optionsFromEnv(process.env), ...overrides, logger }
  const broker = await startBroker(options).catch((error: unknown) => fail(reasonOf(error, options)))

  const stop = async (reason: string) => {
    logger.info({ reason }, 'stopping')
    setTimeout(() => fail(`could not stop within ${CLOSE_TIMEOUT_MS} ms`), CLOSE_TIMEOUT_MS).unref()
    await broker.close()
    process.exit(0)
  }
  onStopRequest((reason) => void stop(reason))
  // A log that can't write can't be trusted to go on: the next start recovers what is durable.
  void broker.failure.then((error) => fail(`the log can't be written any more: ${error.message}`))

  process.on('message', (message: unknown) => disturb(broker, message))
  tellVitals(process.env, () => ({
    doing: `serves ${broker.connections} connections`,
    figures: { connections: broker.connections },
  }))
  logger.info({ host: broker.host, port: broker.port, dataDir: options.dataDir }, 'ready')
  tellParent({ type: 'ready', detail: `${broker.host}:${broker.port}` })
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
    const wanted = Math.ceil(broker.cutConnections() / 2)
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
  broker.delayAnswers(delayMs)
  setTimeout(() => {
    broker.delayAnswers(0)
    undisturbed()
  }, forMs).unref()
}

function fail(reason: string): never {
  process.stderr.write(`broker: ${reason}\n`)
  process.exit(1)
}

function optionsFromEnv(env: NodeJS.ProcessEnv): BrokerOptions {
  const dataDir = env.BROKER_DATA_DIR
  if (!dataDir) return fail('BROKER_DATA_DIR must name the folder for the log')
  const port = Number(env.BROKER_PORT ?? 9092)
  if (!isPort(port)) fail(`BROKER_PORT is no port number: ${env.BROKER_PORT}`)
  const credentials = credentialsFrom(env.BROKER_SASL_USERS)
  const advertised = addressFrom(env.BROKER_ADVERTISED_ADDRESS)
  const host = env.BROKER_HOST ?? '127.0.0.1'
  const config = { ...boundsFrom(env), credentials }
  return { dataDir, port, host, config, ...(advertised === undefined ? {} : { advertised }) }
}

function boundsFrom(env: NodeJS.ProcessEnv): Partial<BrokerConfig> {
  try {
    return configFromEnv(env)
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error))
  }
}

function addressFrom(text: string | undefined): BrokerOptions['advertised'] {
  if (!text) return undefined
  const [, host = '', port = ''] = /^\[?([^\]]+)\]?:(\d+)$/.exec(text) ?? []
  if (host === '' || !isPort(Number(port)) || Number(port) === 0) {
    fail(`BROKER_ADVERTISED_ADDRESS must be host:port, not "${text}"`)
  }
  return { host, port: Number(port) }
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 0 && port <= 65_535
}

function credentialsFrom(users: string | undefined): SaslCredential[] {
  if (!users) return []
  return users.split(',').map((user) => {
    const at = user.indexOf(':')
    if (at < 1) fail('BROKER_SASL_USERS must be name:password, separated by commas')
    return { username: user.slice(0, at), password: user.slice(at + 1) }
  })
}

function reasonOf(error: unknown, { host, port }: BrokerOptions): string {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error ? error.code : undefined
  if (code === 'EADDRINUSE') return `port ${port} of ${host} is in use by another program`
  if (code === 'EACCES' && 'syscall' in error && error.syscall === 'listen') return `port ${port} may not be used`
  return error.message
}
