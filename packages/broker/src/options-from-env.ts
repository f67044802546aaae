/** Reads the broker's options from environment variables (`main.ts` has the list), and says in words why it can't start with them. */
import { portSetting } from '@streampay/process'
import { type BrokerOptions, defaultHost, defaultPort } from './broker.ts'
import type { CreateBrokerOptions } from './create-broker.ts'
import type { SaslCredential } from './server/config.ts'
import { configFromEnv } from './server/config-from-env.ts'

/** @throws Error with one sentence that names the variable */
export function optionsFromEnv(env: NodeJS.ProcessEnv): CreateBrokerOptions {
  const dataDir = env.BROKER_DATA_DIR
  const port = portSetting(env, 'BROKER_PORT', defaultPort)
  const credentials = credentialsFrom(env.BROKER_SASL_USERS)
  const advertised = addressFrom(env.BROKER_ADVERTISED_ADDRESS)
  return {
    port,
    host: env.BROKER_HOST ?? defaultHost,
    config: { ...configFromEnv(env), credentials },
    ...(dataDir ? { dataDir } : {}),
    ...(advertised === undefined ? {} : { advertised }),
  }
}

export function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 0 && port <= 65_535
}

/** Why a broker with these options did not start, in one sentence. */
export function startFault(error: unknown, { host = defaultHost, port = defaultPort }: CreateBrokerOptions): string {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error ? error.code : undefined
  if (code === 'EADDRINUSE') return `port ${port} of ${host} is in use by another program`
  if (code === 'EACCES' && 'syscall' in error && error.syscall === 'listen') return `port ${port} may not be used`
  return error.message
}

function addressFrom(text: string | undefined): BrokerOptions['advertised'] {
  if (!text) return undefined
  const [, host = '', port = ''] = /^\[?([^\]]+)\]?:(\d+)$/.exec(text) ?? []
  if (host === '' || !isPort(Number(port)) || Number(port) === 0) {
    throw new Error(`BROKER_ADVERTISED_ADDRESS must be host:port, not "${text}"`)
  }
  return { host, port: Number(port) }
}

function credentialsFrom(users: string | undefined): SaslCredential[] {
  if (!users) return []
  return users.split(',').map((user) => {
    const at = user.indexOf(':')
    if (at < 1) throw new Error('BROKER_SASL_USERS must be name:password, separated by commas')
    return { username: user.slice(0, at), password: user.slice(at + 1) }
  })
}
