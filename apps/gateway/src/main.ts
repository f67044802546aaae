/**
 * The gateway as a process. Configured by GATEWAY_PORT (9090), GATEWAY_HOST (127.0.0.1), GATEWAY_DATA_DIR
 * (data/gateway, for the development certificate), GATEWAY_TLS_KEY and GATEWAY_TLS_CERT (PEM files of one's own),
 * GATEWAY_UI_ROOT (apps/ui/dist), OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_AUDIENCE, OIDC_JWKS_URI, IDENTITY_UPSTREAM (the
 * development issuer), KAFKA_BROKERS and the other KAFKA_* settings, and LOG_LEVEL (info).
 */
import { issuerFault } from '@streampay/gateway'
import { clientOptionsFromEnv, isLogAway, logAwayExitCode, openCluster } from '@streampay/kafka'
import { pino } from 'pino'
import { runGateway } from './run-gateway.ts'
import { settingsFrom } from './settings.ts'
import { sentenceFor } from './start-faults.ts'

const { env } = process
const shutdownTimeoutMs = 5_000
const issuerTimeoutMs = 5_000
const logger = pino({ level: env.LOG_LEVEL || 'info', base: { service: 'gateway', pid: process.pid } })

try {
  const settings = settingsFrom(env)
  const cluster = openCluster({ ...clientOptionsFromEnv(env, 'streampay-gateway'), logger })
  const gateway = await runGateway({ settings, cluster, logger, now: Date.now() })

  let stopping = false
  const stop = (reason: string) => {
    if (stopping) return
    stopping = true
    logger.info({ reason }, 'stopping')
    setTimeout(() => fail('The gateway did not stop in time.', undefined), shutdownTimeoutMs).unref()
    gateway
      .close()
      .then(() => cluster.close())
      .then(
        () => process.exit(0),
        (error: unknown) => fail('The gateway did not stop cleanly.', error),
      )
  }
  process.on('SIGTERM', () => stop('SIGTERM'))
  process.on('SIGINT', () => stop('SIGINT'))
  // The launcher is gone: nobody would ever end this process.
  process.on('disconnect', () => stop('launcher gone'))

  await gateway.ready
  logger.info({ port: gateway.port }, 'ready')
  process.send?.({ type: 'ready', detail: `https://localhost:${gateway.port}/` })

  const { issuer, jwksUri } = settings
  // It may come later, so this is no reason to end.
  const fault = await issuerFault({ issuer, jwksUri, timeoutMs: issuerTimeoutMs })
  if (fault !== undefined) {
    const text = `Nobody can sign in until the issuer ${issuer} is reachable: ${fault}.`
    logger.warn(text)
    // The launcher may be gone by now; then nobody is left to be told.
    if (process.connected) process.send?.({ type: 'warning', text })
  }
} catch (error) {
  fail(sentenceFor(error, env), error)
}

/** One sentence on stderr for whoever started this process; the stack goes to the log. */
function fail(sentence: string, error: unknown): never {
  logger.fatal({ err: error }, sentence)
  process.stderr.write(`${sentence}\n`)
  process.exit(isLogAway(error) ? logAwayExitCode : 1)
}
