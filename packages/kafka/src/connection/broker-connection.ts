/**
 * One connection to one broker, opened at first use and opened again after a loss. Versions are negotiated
 * on each new connection, because a broker may return with an older or newer version.
 *
 * Responses of one connection come in the order of its requests, so requests that wait long at the broker (fetches, joins) have a
 * BrokerConnection of their own.
 */
import type { ClientOptions } from '../client.ts'
import type { Clock } from '../clock.ts'
import { KafkaError } from '../errors.ts'
import { type Api, MalformedError } from '../wire/index.ts'
import { AuthenticationError } from './authenticate.ts'
import { type Address, type Connection, type Features, openConnection, type Versions } from './connection.ts'

export type BrokerConnectionOptions = {
  readonly address: Address
  readonly client: ClientOptions
  readonly connectTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly clock: Clock
  /** Called with the log's features, as each new connection reports them. */
  readonly onFeatures: (features: Features) => void
}

export class BrokerConnection {
  readonly #options: BrokerConnectionOptions
  #opening: Promise<Connection> | null = null
  #opened: Connection | null = null
  #closed = false

  constructor(options: BrokerConnectionOptions) {
    this.#options = options
  }

  /**
   * @param maxVersion the highest version that the caller allows
   * @throws KafkaError with outcome 'not-written' if the request surely never left, 'unknown' if it may have arrived
   */
  async request<Req, ReqIn, Res, ResIn>(
    api: Api<Req, ReqIn, Res, ResIn>,
    body: ReqIn,
    maxVersion = api.maxVersion,
  ): Promise<Res> {
    const connection = await this.#ready()
    const version = this.#versionOf(api, connection.versions, maxVersion)
    const bytes = encoded(api, version, body)
    if (!connection.isOpen) throw this.#lost('not-written')
    try {
      return api.decodeResponse(version, await connection.exchange(api, version, bytes))
    } catch (error) {
      if (error instanceof MalformedError && connection.isOpen) {
        const message = `the answer to ${api.name} v${version} of ${this.#where()} does not follow the protocol`
        throw new KafkaError('KAFKA_MALFORMED', message, { cause: error, outcome: 'unknown' })
      }
      throw this.#lost('unknown', error)
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    const opened = this.#opened ?? (await this.#opening?.catch(() => null))
    this.#opened = null
    opened?.close()
  }

  #versionOf(api: AnyVersioned, versions: Versions, maxVersion: number): number {
    const theirs = versions.get(api.key)
    const version = Math.min(maxVersion, theirs?.max ?? -1)
    if (theirs !== undefined && version >= Math.max(api.minVersion, theirs.min)) return version
    const offered = theirs === undefined ? 'does not offer it' : `offers ${theirs.min} to ${theirs.max}`
    const message = `${api.name} is supported by this client in versions ${api.minVersion} to ${maxVersion}; ${this.#where()} ${offered}`
    throw new KafkaError('KAFKA_UNSUPPORTED_VERSION', message, { outcome: 'not-written' })
  }

  #ready(): Connection | Promise<Connection> {
    if (this.#closed) {
      return Promise.reject(new KafkaError('KAFKA_CLOSED', 'the client was closed', { outcome: 'not-written' }))
    }
    const opened = this.#opened
    if (opened?.isOpen && !opened.isOutdated) return opened
    this.#opened = null
    this.#opening ??= this.#open(opened).finally(() => {
      this.#opening = null
    })
    return this.#opening
  }

  /** @param outdated is waited for: requests of a producer must not overtake those under way */
  async #open(outdated: Connection | null): Promise<Connection> {
    await outdated?.quiet()
    outdated?.close()
    const { client, address, connectTimeoutMs, requestTimeoutMs, clock } = this.#options
    try {
      const onLost = () => this.#onLost()
      const opened = await openConnection({ address, client, connectTimeoutMs, requestTimeoutMs, clock, onLost })
      this.#options.onFeatures(opened.features)
      if (!this.#closed) this.#opened = opened
      return opened
    } catch (error) {
      throw this.#refused(error)
    }
  }

  #onLost(): void {
    if (!this.#closed)
      this.#options.client.logger?.warn({ broker: this.#where() }, 'the connection to the log was lost')
  }

  #refused(error: unknown): KafkaError {
    const details = { cause: error, outcome: 'not-written' } as const
    if (isRefusal(error)) {
      return new KafkaError('KAFKA_AUTHENTICATION', `${this.#where()} refused the credentials or TLS`, details)
    }
    return new KafkaError('KAFKA_UNAVAILABLE', `${this.#where()} can not be reached`, details)
  }

  #lost(outcome: 'not-written' | 'unknown', cause?: unknown): KafkaError {
    return new KafkaError('KAFKA_CONNECTION_LOST', `the connection to ${this.#where()} was lost`, { cause, outcome })
  }

  #where(): string {
    return `${this.#options.address.host}:${this.#options.address.port}`
  }
}

function encoded<ReqIn>(api: Api<unknown, ReqIn, unknown, never>, version: number, body: ReqIn): Buffer {
  try {
    return api.encodeRequest(version, body)
  } catch (error) {
    const message = `the request ${api.name} v${version} can not be encoded`
    throw new KafkaError('KAFKA_MALFORMED', message, { cause: error, outcome: 'not-written' })
  }
}

type AnyVersioned = { readonly key: number; readonly name: string; readonly minVersion: number }

/** Certificate errors by Node's names: a retry will not help. */
const certificateErrors = /^(ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_(GET|VERIFY)_)/
/** Node's message if the other side closes the connection instead of answering TLS. */
const noTls = /before secure TLS connection was established/

/** Whether the chain of causes has wrong credentials, or a failed TLS handshake. */
function isRefusal(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof AuthenticationError || noTls.test(cause.message)) return true
    if ('code' in cause && typeof cause.code === 'string' && certificateErrors.test(cause.code)) return true
  }
  return false
}
