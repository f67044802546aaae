/**
 * One TCP connection to one broker, made when it is first needed and made anew when it was lost. Versions are negotiated
 * on each new connection, since a broker may come back upgraded or downgraded.
 *
 * Sockets, TLS and SASL are `@platformatic/kafka`'s Connection; bytes and versions are ours. Responses of one connection
 * come in the order of its requests, so whatever waits long at the broker (fetches, joins) gets a link of its own.
 */
import { isIP } from 'node:net'
import { AuthenticationError, Connection, UserError, Writer } from '@platformatic/kafka'
import type { ClientOptions } from '../client.ts'
import { KafkaError } from '../errors.ts'
import { type Api, apis, errors, MalformedError } from '../wire/index.ts'

export type Address = { readonly host: string; readonly port: number }

type Range = { readonly min: number; readonly max: number }
type Versions = ReadonlyMap<number, Range>
type Opened = { readonly connection: Connection; readonly versions: Versions }

const CLIENT_SOFTWARE = { clientSoftwareName: 'streampay', clientSoftwareVersion: '0.1.0' }
/** Requests are never queued behind others in the Connection: who bounds them are the clients above. */
const UNBOUNDED_IN_FLIGHT = 1_000_000
const KEEP_ALIVE_MS = 10_000
const API_VERSIONS_KEY = 18

export type LinkOptions = {
  readonly address: Address
  readonly client: ClientOptions
  readonly connectTimeoutMs: number
  readonly requestTimeoutMs: number
  /** Called with what each new connection tells of the log's features. */
  readonly onFeatures: (features: Features) => void
}

/** The level of each feature that is on for all brokers of a log, by its name (KIP-584). */
export type Features = ReadonlyMap<string, number>

export class Link {
  readonly #options: LinkOptions
  #opening: Promise<Opened> | null = null
  #opened: Opened | null = null
  #closed = false

  constructor(options: LinkOptions) {
    this.#options = options
  }

  /**
   * @param maxVersion a version that the caller doesn't want to exceed
   * @throws KafkaError with outcome 'not-written' if the request surely never left, 'unknown' if it may have arrived
   */
  async request<Req, ReqIn, Res, ResIn>(
    api: Api<Req, ReqIn, Res, ResIn>,
    body: ReqIn,
    maxVersion = api.maxVersion,
  ): Promise<Res> {
    const { connection, versions } = await this.#ready()
    const version = this.#versionOf(api, versions, maxVersion)
    const bytes = encoded(api, version, body)
    if (!connection.isConnected()) {
      this.#forget(connection)
      throw this.#lost('not-written')
    }
    try {
      return await exchange(connection, { api, version, bytes, decode: (raw) => api.decodeResponse(version, raw) })
    } catch (error) {
      if (error instanceof MalformedError) {
        const message = `the answer to ${api.name} v${version} of ${this.#where()} does not follow the protocol`
        throw new KafkaError('KAFKA_MALFORMED', message, { cause: error, outcome: 'unknown' })
      }
      this.#forget(connection)
      throw this.#lost('unknown', error)
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    const opened = this.#opened ?? (await this.#opening?.catch(() => null))
    this.#opened = null
    if (opened) await destroy(opened.connection)
  }

  #versionOf(api: AnyVersioned, versions: Versions, maxVersion: number): number {
    const theirs = versions.get(api.key)
    const version = Math.min(maxVersion, theirs?.max ?? -1)
    if (theirs !== undefined && version >= Math.max(api.minVersion, theirs.min)) return version
    const offered = theirs === undefined ? 'does not offer it' : `offers ${theirs.min} to ${theirs.max}`
    const message = `${api.name} is spoken here in versions ${api.minVersion} to ${maxVersion}; ${this.#where()} ${offered}`
    throw new KafkaError('KAFKA_UNSUPPORTED_VERSION', message, { outcome: 'not-written' })
  }

  #ready(): Promise<Opened> {
    if (this.#closed) {
      return Promise.reject(new KafkaError('KAFKA_CLOSED', 'the client was closed', { outcome: 'not-written' }))
    }
    const opened = this.#opened
    if (opened?.connection.isConnected()) return Promise.resolve(opened)
    this.#opened = null
    this.#opening ??= this.#open().finally(() => {
      this.#opening = null
    })
    return this.#opening
  }

  async #open(): Promise<Opened> {
    const { client, address } = this.#options
    const connection = new Connection(client.clientId, {
      connectTimeout: this.#options.connectTimeoutMs,
      requestTimeout: this.#options.requestTimeoutMs,
      maxInflights: UNBOUNDED_IN_FLIGHT,
      ...(client.tls === undefined
        ? {}
        : { tls: { ...client.tls }, ...(isIP(address.host) === 0 ? { tlsServerName: true } : {}) }),
      ...(client.sasl === undefined ? {} : { sasl: client.sasl }),
    })
    // Without a listener an emitted 'error' ends the process; who waits for a response gets the error anyway.
    connection.on('error', () => this.#forget(connection))
    connection.on('close', () => this.#onClose(connection))
    try {
      await connection.connect(address.host, address.port)
      connection.socket.setKeepAlive(true, KEEP_ALIVE_MS)
      const { versions, features } = await capabilitiesOf(connection)
      this.#options.onFeatures(features)
      const opened = { connection, versions }
      this.#opened = opened
      return opened
    } catch (error) {
      await destroy(connection)
      throw this.#refused(error)
    }
  }

  #onClose(connection: Connection): void {
    if (this.#opened?.connection === connection && !this.#closed) {
      this.#options.client.logger?.warn({ broker: this.#where() }, 'the connection to the log was lost')
    }
    this.#forget(connection)
  }

  #forget(connection: Connection): void {
    if (this.#opened?.connection === connection) this.#opened = null
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

type Exchange<Res> = {
  readonly api: {
    readonly key: number
    requestHeaderVersion(version: number): 1 | 2
    responseHeaderVersion(version: number): 0 | 1
  }
  readonly version: number
  readonly bytes: Buffer
  readonly decode: (raw: Buffer) => Res
}

function exchange<Res>(connection: Connection, { api, version, bytes, decode }: Exchange<Res>): Promise<Res> {
  const { promise, resolve, reject } = Promise.withResolvers<Res>()
  connection.send<Res>(
    api.key,
    version,
    () => Writer.create().append(bytes),
    (_correlationId, _apiKey, _apiVersion, reader) => decode(reader.buffer.buffer),
    api.requestHeaderVersion(version) === 2,
    api.responseHeaderVersion(version) === 1,
    (error, response) => {
      if (error === null || error === undefined) resolve(response as Res)
      else reject(error)
    },
  )
  return promise
}

/** A broker that doesn't know our version answers error 35 in a body of version 0, which says what it does know. */
async function capabilitiesOf(connection: Connection): Promise<{ versions: Versions; features: Features }> {
  const api = apis.apiVersions
  const ask = (version: number) =>
    exchange(connection, {
      api,
      version,
      bytes: api.encodeRequest(version, CLIENT_SOFTWARE),
      decode: (raw) => api.decodeResponse(raw.readInt16BE(0) === errors.UNSUPPORTED_VERSION ? 0 : version, raw),
    })
  const first = await ask(3)
  const theirs = first.apiKeys.find(({ apiKey }) => apiKey === API_VERSIONS_KEY)?.maxVersion ?? 0
  const answer = first.errorCode === errors.NONE ? first : await ask(Math.min(theirs, 3))
  return {
    versions: new Map(answer.apiKeys.map((key) => [key.apiKey, { min: key.minVersion, max: key.maxVersion }])),
    features: new Map(answer.finalizedFeatures.map(({ name, maxVersionLevel }) => [name, maxVersionLevel])),
  }
}

/** Failures of certificates, as Node names them: trying again will not help. */
const certificateErrors = /^(ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_(GET|VERIFY)_)/

/** Wrong credentials, or TLS that can't be agreed on, anywhere in the chain of causes. */
function isRefusal(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof AuthenticationError || cause instanceof UserError) return true
    if ('code' in cause && typeof cause.code === 'string' && certificateErrors.test(cause.code)) return true
  }
  return false
}

/** At once: what was under way has been answered or given up, and a peer that reads no more must not hold us up. */
async function destroy(connection: Connection): Promise<void> {
  const closed = connection.close()
  connection.socket?.destroy()
  await closed
}
