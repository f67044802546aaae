/** The command line arguments, which take precedence over the environment. */
import { parseArgs } from 'node:util'
import { wholeNumberOf } from '@streampay/process/environment'
import type { CreateBrokerOptions } from '../create-broker.ts'
import { isPort, optionsFromEnv } from '../options-from-env.ts'
import { type LogLevel, logLevels } from './text-logger.ts'

export type Wanted = {
  readonly options: CreateBrokerOptions
  readonly topics: readonly { readonly name: string; readonly partitions: number }[]
  readonly logLevel: LogLevel
}

export const help = `Usage: npx @streampay/broker [options]

A log that speaks the Kafka protocol, on this machine alone, for development and tests.

  --port <n>             the port (default 9092; 0: any free one)
  --host <address>       a loopback address (default 127.0.0.1)
  --data <folder>        keeps the log in this folder; the next start continues there
  --memory               keeps the log in memory, 1 GiB at most, until the end (the default)
  --topic <name>[:<n>]   makes a topic of n partitions (default 1) if it is not there; may be repeated
  --auto-create-topics   makes topics when clients first ask for them
  --log-level <level>    ${logLevels.join(', ')} (default warn)
  --version, --help

Times and bounds are environment variables, such as BROKER_MAX_CONNECTIONS; the package's README has the list.
`

/** A request that can't be executed, in one sentence. */
export class ArgumentError extends Error {
  override readonly name = 'ArgumentError'
}

/** @throws ArgumentError, or what `optionsFromEnv` throws */
export function wantedOf(words: readonly string[], env: NodeJS.ProcessEnv): Wanted | 'help' | 'version' {
  const { help, version, port, host, data, memory, topic = [], ...rest } = valuesOf(words)
  if (help) return 'help'
  if (version) return 'version'
  if (memory && data !== undefined) throw new ArgumentError('--memory and --data exclude each other')
  if (data === '') throw new ArgumentError('--data must name a folder')
  const { dataDir: dataDirOfEnv, ...fromEnv } = optionsFromEnv(env)
  const dataDir = memory ? undefined : (data ?? dataDirOfEnv)
  const autoCreateTopics = rest['auto-create-topics']
  return {
    options: {
      ...fromEnv,
      ...(port === undefined ? {} : { port: portOf(port) }),
      ...(host === undefined ? {} : { host }),
      ...(dataDir === undefined ? {} : { dataDir }),
      config: { ...fromEnv.config, ...(autoCreateTopics ? { autoCreateTopics } : {}) },
    },
    topics: topic.map(topicOf),
    logLevel: logLevelOf(rest['log-level'] ?? (env.LOG_LEVEL || 'warn')),
  }
}

function valuesOf(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      options: {
        port: { type: 'string' },
        host: { type: 'string' },
        data: { type: 'string' },
        memory: { type: 'boolean' },
        topic: { type: 'string', multiple: true },
        'auto-create-topics': { type: 'boolean' },
        'log-level': { type: 'string' },
        version: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new ArgumentError(error.message, { cause: error })
  }
}

function portOf(text: string): number {
  const port = wholeNumberOf(text)
  if (isPort(port)) return port
  throw new ArgumentError(`--port must be a whole number from 0 to 65535, not "${text}"`)
}

function topicOf(text: string): { name: string; partitions: number } {
  const [, name = '', partitions = '1'] = /^([^:]*)(?::(\d+))?$/.exec(text) ?? []
  if (name !== '' && Number(partitions) > 0) return { name, partitions: Number(partitions) }
  throw new ArgumentError(
    `--topic must be a name, or a name and a number of partitions such as orders:3, not "${text}"`,
  )
}

function logLevelOf(text: string): LogLevel {
  const level = logLevels.find((known) => known === text)
  if (level !== undefined) return level
  throw new ArgumentError(`--log-level must be one of ${logLevels.join(', ')}, not "${text}"`)
}
