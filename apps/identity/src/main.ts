/**
 * The development issuer as a process. Configured by IDENTITY_PORT (9091), IDENTITY_HOST (127.0.0.1), IDENTITY_ISSUER
 * (https://localhost:9090/identity), IDENTITY_DATA_DIR (data/identity), IDENTITY_REDIRECT_ORIGINS (more origins that may
 * sign in, separated by commas), IDENTITY_ACCESS_TOKEN_SECONDS (3600) and LOG_LEVEL (info).
 */
import { openLogger, runService } from '@streampay/process'
import { startIdentity } from './identity.ts'
import { settingsFrom } from './settings.ts'

const { env } = process
const logger = openLogger({ name: 'identity', level: env.LOG_LEVEL })

runService({
  title: 'The development issuer',
  logger,
  async start() {
    const settings = settingsFrom(env)
    const identity = await startIdentity({ ...settings, logger, now: Date.now }).catch((error: unknown) => {
      throw new Error(sentenceFor(error, settings), { cause: error })
    })
    return { ready: `development issuer ${settings.issuer}`, close: () => identity.close() }
  },
})

type Place = { readonly port: number; readonly host: string; readonly dataDir: string }

function sentenceFor(error: unknown, { port, host, dataDir }: Place): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const message = error instanceof Error ? error.message : String(error)
  if (code === 'EADDRINUSE') return `Port ${port} on ${host} is in use: stop what uses it, or set IDENTITY_PORT.`
  if (code === 'ERR_SQLITE_ERROR' && /locked/.test(message))
    return `The data folder ${dataDir} is in use by another StreamPay.`
  if (code === 'ERR_SQLITE_ERROR') return `The issuer's store in ${dataDir} can't be opened: ${message}.`
  return message
}
