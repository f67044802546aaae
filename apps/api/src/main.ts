/**
 * The gateway as a process. Its settings are GATEWAY_PORT (9090), GATEWAY_HOST (127.0.0.1), GATEWAY_DATA_DIR
 * (data/gateway, for the development certificate), GATEWAY_STATE_DIR (state-<port> in it, for the views of this gateway alone) and
 * GATEWAY_STATE_MAX_BYTES (32 GiB), GATEWAY_TLS_KEY and GATEWAY_TLS_CERT (PEM files of another certificate),
 * GATEWAY_UI_ROOT (apps/ui/dist), GATEWAY_PUBLIC_ORIGIN (https://localhost:<port>), OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_AUDIENCE,
 * OIDC_JWKS_URI, OIDC_OPERATOR and OIDC_WRITER (claim=value), OIDC_SUBJECT_CLAIM (sub), OIDC_SCOPE_CLAIMS
 * (scope,scp,permissions), IDENTITY_UPSTREAM (the development issuer), CONTROL_UPSTREAM (the launcher's control interface, only
 * with the development issuer), METRICS_PORT (by default no metrics) and METRICS_HOST (127.0.0.1), GATEWAY_TRUSTED_PROXIES
 * (addresses and networks whose X-Forwarded-For is trusted), GATEWAY_CORS_ORIGINS (of other front ends), KAFKA_BROKERS and the
 * other KAFKA_* settings, and LOG_LEVEL (info).
 */
import type { ServiceDoing } from '@streampay/domain'
import { issuerFault, type RunningGateway } from '@streampay/gateway'
import { clientOptionsFromEnv, exitCodeOf, openCluster } from '@streampay/kafka'
import { Durations, type OwnVitals, openLogger, runService, tellParent } from '@streampay/process'
import { runGateway } from './run-gateway.ts'
import { settingsFrom } from './settings.ts'
import { sentenceFor } from './start-faults.ts'

const { env } = process
const issuerTimeoutMs = 5_000
const logger = openLogger({ level: env.LOG_LEVEL, base: { service: 'gateway', pid: process.pid } })
const answered = new Durations()
let running: RunningGateway | undefined

const { fail } = runService({
  title: 'The gateway',
  logger,
  exitCodeOf,
  vitals: () => vitalsOf(running, answered),
  cannotStart: (_reason, error) => sentenceFor(error, env),
  async start() {
    const settings = settingsFrom(env)
    const cluster = openCluster({ ...clientOptionsFromEnv(env, 'streampay-gateway'), logger })
    const gateway = await runGateway({
      settings,
      cluster,
      logger,
      now: Date.now(),
      onAnswered: (tookMs) => answered.add(tookMs),
      onStateDamaged: (reason) =>
        fail(`The views in ${settings.stateDir} are damaged (${reason}). The next start rebuilds them from the log.`),
    })
    running = gateway
    const address = `https://localhost:${gateway.port}/`
    return {
      ready: gateway.ready.then((isReady) => (isReady ? address : undefined)),
      close: () => gateway.close().then(() => cluster.close()),
      async onReady() {
        logger.info({ port: gateway.port, operator: settings.operator ?? 'none' }, 'serving')
        const { issuer, jwksUri } = settings
        // The issuer may start later, so the gateway continues.
        const fault = await issuerFault({ issuer, jwksUri, timeoutMs: issuerTimeoutMs })
        if (fault === undefined) return
        const text = `No user can sign in until the issuer ${issuer} is reachable: ${fault}.`
        logger.warn(text)
        tellParent({ type: 'warning', text })
      },
    }
  },
})

function vitalsOf(gateway: RunningGateway | undefined, answered: Durations): OwnVitals {
  if (gateway === undefined) return { doing: { what: 'waits-for-log' } satisfies ServiceDoing, figures: {} }
  const { lag, waiting, streams, isReady } = gateway.status()
  const { count, tookMs } = answered.take()
  const doing: ServiceDoing = isReady ? { what: 'serves-streams', count: streams } : { what: 'builds-views' }
  return { doing, figures: { lag, waiting, answered: count }, tookMs }
}
