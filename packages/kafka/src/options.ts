/** Reads the settings that select a log: they are the only difference between an embedded log, Redpanda and Kafka. */
import { readFileSync } from 'node:fs'
import type { ClientOptions, SaslMechanism } from './client.ts'
import { KafkaError } from './errors.ts'

const DEFAULT_BROKERS = 'localhost:9092'
const mechanisms: readonly SaslMechanism[] = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']

/**
 * KAFKA_BROKERS (`host:port`, comma-separated; default localhost:9092), KAFKA_TLS (true or false), KAFKA_TLS_CA (a PEM
 * file; implies TLS), KAFKA_SASL_MECHANISM (PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512), KAFKA_SASL_USERNAME,
 * KAFKA_SASL_PASSWORD. Empty counts as absent.
 * @throws KafkaError KAFKA_INVALID_ARGUMENT, naming the variable
 * @example
 * ```ts
 * import { clientOptionsFromEnv } from '@streampay/kafka'
 *
 * const options = clientOptionsFromEnv({ KAFKA_BROKERS: 'one:9092, two:9092', KAFKA_TLS: 'true' }, 'example')
 * console.log(options.brokers) // → [ 'one:9092', 'two:9092' ]
 * ```
 */
export function clientOptionsFromEnv(
  env: Readonly<Record<string, string | undefined>>,
  clientId: string,
): ClientOptions {
  const brokers = (env.KAFKA_BROKERS || DEFAULT_BROKERS)
    .split(',')
    .map((broker) => broker.trim())
    .filter((broker) => broker !== '')
  if (brokers.length === 0) throw invalid('KAFKA_BROKERS names no broker')
  const tls = tlsFrom(env)
  const sasl = saslFrom(env)
  return { brokers, clientId, ...(tls === undefined ? {} : { tls }), ...(sasl === undefined ? {} : { sasl }) }
}

function tlsFrom(env: Readonly<Record<string, string | undefined>>): ClientOptions['tls'] {
  const wanted = env.KAFKA_TLS || ''
  const file = env.KAFKA_TLS_CA || ''
  if (!['', 'true', 'false'].includes(wanted)) throw invalid(`KAFKA_TLS must be true or false, not '${wanted}'`)
  if (wanted === 'false' || (wanted === '' && file === '')) return undefined
  if (file === '') return {}
  try {
    return { ca: readFileSync(file, 'utf8') }
  } catch (error) {
    throw invalid(`KAFKA_TLS_CA: ${file} can not be read`, error)
  }
}

function saslFrom(env: Readonly<Record<string, string | undefined>>): ClientOptions['sasl'] {
  const wanted = env.KAFKA_SASL_MECHANISM || ''
  if (wanted === '') return undefined
  const mechanism = mechanisms.find((known) => known === wanted.toUpperCase())
  if (mechanism === undefined) {
    throw invalid(`KAFKA_SASL_MECHANISM must be one of ${mechanisms.join(', ')}, not '${wanted}'`)
  }
  const username = env.KAFKA_SASL_USERNAME || ''
  const password = env.KAFKA_SASL_PASSWORD || ''
  if (username === '') throw invalid(`KAFKA_SASL_USERNAME is needed for ${mechanism}`)
  if (password === '') throw invalid(`KAFKA_SASL_PASSWORD is needed for ${mechanism}`)
  return { mechanism, username, password }
}

function invalid(message: string, cause?: unknown): KafkaError {
  return new KafkaError('KAFKA_INVALID_ARGUMENT', message, { cause })
}
