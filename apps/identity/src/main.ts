/**
 * The development issuer as a process. Configured by IDENTITY_PORT (9091), IDENTITY_HOST (127.0.0.1), IDENTITY_ISSUER
 * (https://localhost:9090/identity), IDENTITY_DATA_DIR (data/identity), IDENTITY_REDIRECT_ORIGINS (more origins that may
 * sign in, separated by commas), IDENTITY_ACCESS_TOKEN_SECONDS (3600) and LOG_LEVEL (info).
 */
import { onStopRequest, openLogger, tellParent } from '@streampay/process'
import { startIdentity } from './identity.ts'

const { env } = process
const shutdownTimeoutMs = 5_000
const logger = openLogger({ name: 'identity', level: env.LOG_LEVEL ?? 'info' })
const port = Number(env.IDENTITY_PORT ?? 9091)
const host = env.IDENTITY_HOST ?? '127.0.0.1'
const dataDir = env.IDENTITY_DATA_DIR ?? 'data/identity'
const issuer = env.IDENTITY_ISSUER ?? 'https://localhost:9090/identity'

try {
  const identity = await startIdentity({
    port,
    host,
    issuer,
    dataDir,
    redirectOrigins: (env.IDENTITY_REDIRECT_ORIGINS ?? '').split(',').filter((origin) => origin !== ''),
    accessTokenSeconds: Number(env.IDENTITY_ACCESS_TOKEN_SECONDS ?? 3600),
    logger,
    now: Date.now,
  })
  onStopRequest((reason) => {
    logger.info({ reason }, 'closing')
    setTimeout(() => {
      console.error('The development issuer did not stop in time.')
      process.exit(1)
    }, shutdownTimeoutMs).unref()
    identity.close().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error({ err: error }, 'closing failed')
        process.exit(1)
      },
    )
  })
  logger.info({ port: identity.port, issuer }, 'ready')
  tellParent({ type: 'ready', detail: `development issuer ${issuer}` })
} catch (error) {
  console.error(sentenceFor(error))
  process.exit(1)
}

function sentenceFor(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const message = error instanceof Error ? error.message : String(error)
  if (code === 'EADDRINUSE') return `Port ${port} on ${host} is in use: stop what uses it, or set IDENTITY_PORT.`
  if (code === 'ERR_SQLITE_ERROR' && /locked/.test(message))
    return `The data folder ${dataDir} is in use by another StreamPay.`
  if (code === 'ERR_SQLITE_ERROR') return `The issuer's store in ${dataDir} can't be opened: ${message}.`
  return message
}
