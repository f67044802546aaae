/**
 * The development issuer as a process. Configured by IDENTITY_PORT (9091), IDENTITY_HOST (127.0.0.1), IDENTITY_ISSUER
 * (https://localhost:9090/identity), IDENTITY_DATA_DIR (data/identity), IDENTITY_REDIRECT_ORIGINS (more origins that may
 * sign in, separated by commas), IDENTITY_ACCESS_TOKEN_SECONDS (3600) and LOG_LEVEL (info).
 */
import { pino } from 'pino'
import { startIdentity } from './identity.ts'

const { env } = process
const logger = pino({ name: 'identity', level: env.LOG_LEVEL ?? 'info' })
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
  logger.info({ port: identity.port, issuer }, 'ready')
  process.send?.({ type: 'ready', detail: `development issuer ${issuer}` })

  let closing = false
  const shutDown = (reason: string) => {
    if (closing) return
    closing = true
    logger.info({ reason }, 'closing')
    identity.close().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error({ err: error }, 'closing failed')
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', () => shutDown('SIGTERM'))
  process.on('SIGINT', () => shutDown('SIGINT'))
  // The launcher is gone: nobody would ever end this process.
  process.on('disconnect', () => shutDown('launcher gone'))
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
