/**
 * One socket to one broker: TCP or TLS, then the login, then requests and their responses.
 *
 *     open ──► connected ──► secured (TLS) ──► ApiVersions ──► logged in (SASL) ──► exchange, exchange, … ──► closed
 *              └──────────────── connectTimeoutMs ─────────────────┘
 *
 * A broker answers the requests of a connection in their order, so a response belongs to the oldest request.
 * Requests of one turn of the event loop leave in one write. When a response is overdue, the connection is closed and all requests on
 * it fail: no later response can come before the overdue one. A session that ends (KIP-368) is not renewed in place: the connection
 * reports it as outdated, and its BrokerConnection opens a new one once no request is open.
 *
 * Sources: https://kafka.apache.org/protocol.html#protocol_common, and #sasl_handshake.
 */
import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { connect as connectSecure } from 'node:tls'
import type { ClientOptions } from '../client.ts'
import type { Clock } from '../clock.ts'
import {
  type AnyApi,
  type Api,
  apis,
  decodeResponseHeader,
  encodeRequestHeader,
  errorByCode,
  errors,
  FrameSplitter,
  MalformedError,
} from '../wire/index.ts'
import { AuthenticationError, authenticate } from './authenticate.ts'

export type Address = { readonly host: string; readonly port: number }

export type ConnectionOptions = {
  readonly address: Address
  readonly client: Pick<ClientOptions, 'clientId' | 'tls' | 'sasl'>
  /** The time limit until requests are accepted. */
  readonly connectTimeoutMs: number
  /** The time limit of each request, from its sending. */
  readonly requestTimeoutMs: number
  readonly clock: Pick<Clock, 'elapsed'>
  /** Called when an open connection is lost; not called for `close`. */
  readonly onLost: () => void
}

/** The level of each feature that is on for all brokers of a log, by name (KIP-584). */
export type Features = ReadonlyMap<string, number>
export type Versions = ReadonlyMap<number, { readonly min: number; readonly max: number }>

type SentRequest = {
  readonly headerVersion: 0 | 1
  readonly sentAt: number
  readonly resolve: (body: Buffer) => void
  readonly reject: (error: Error) => void
}

const clientSoftware = { clientSoftwareName: 'streampay', clientSoftwareVersion: '0.1.0' }
/** The version of ApiVersions: brokers from 2.4 on know it, and later versions add nothing that is used. */
const askedFirst = 3
const keepAliveMs = 10_000
const lengthBytes = 4
/** A body up to this size is copied behind its header; a larger one is a separate part of the write. */
const copiedBytes = 8 * 1024
/** No response is so long; the first bytes of other protocols, read as a length, are larger (TLS: 336 MiB, HTTP: 1.1 GiB). */
const maxResponseBytes = 256 * 1024 * 1024
/** The share of a session's lifetime that is used: requests that begin within it are answered before the session ends. */
const usedShare = 0.8
/** A session without an end. */
const forever = Number.POSITIVE_INFINITY

/** The broker took too long, or closed the connection. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError'
}

/**
 * @throws AuthenticationError if the broker refuses the credentials, or does not have the mechanism
 * @throws MalformedError if it does not speak the protocol
 * @throws ConnectionError, or the error of the socket
 */
export async function openConnection(options: ConnectionOptions): Promise<Connection> {
  const connection = new Connection(options)
  const timer = setTimeout(() => {
    connection.destroy(new ConnectionError(`not connected within ${options.connectTimeoutMs} ms`))
  }, options.connectTimeoutMs)
  try {
    await connection.connected
    await connection.begin()
    return connection
  } catch (error) {
    connection.close()
    throw error
  } finally {
    clearTimeout(timer)
  }
}

export class Connection {
  readonly connected: Promise<void>
  readonly #options: ConnectionOptions
  readonly #socket: Socket
  readonly #frames = new FrameSplitter()
  /** Requests without a response, in the order of their sending. */
  #waiting: SentRequest[] = []
  /** The first requests of the array up to here are answered: removing them one by one from the front is slow. */
  #answered = 0
  #correlationId = 0
  #isOpen = false
  #isCorked = false
  #overdue: NodeJS.Timeout | undefined
  #endsAt = forever
  #onQuiet: () => void = () => undefined
  #versions: Versions = new Map()
  #features: Features = new Map()

  constructor(options: ConnectionOptions) {
    this.#options = options
    const { address, client } = options
    // An IP address is not a server name for TLS (RFC 6066, section 3).
    const name = isIP(address.host) === 0 ? { servername: address.host } : {}
    const socket =
      client.tls === undefined ? connectPlain(address) : connectSecure({ ...address, ...name, ...client.tls })
    this.#socket = socket
    socket.setNoDelay(true)
    socket.setKeepAlive(true, keepAliveMs)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.connected = promise
    socket.once(client.tls === undefined ? 'connect' : 'secureConnect', resolve)
    socket.on('data', (chunk) => this.#receive(chunk as Buffer))
    socket.on('error', (error) => this.#lose(error))
    socket.on('close', () => {
      const closed = new ConnectionError('the connection was closed')
      reject(socket.errored ?? closed)
      this.#lose(closed)
    })
  }

  /** The API versions that the broker knows. */
  get versions(): Versions {
    return this.#versions
  }

  get features(): Features {
    return this.#features
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Whether its session is so old that no new request should begin on it. */
  get isOutdated(): boolean {
    return this.#options.clock.elapsed() >= this.#endsAt
  }

  /** Learns the broker's versions, and logs in. */
  async begin(): Promise<void> {
    await this.#learnVersions()
    const { sasl } = this.#options.client
    if (sasl !== undefined) await this.#logIn(sasl)
    this.#isOpen = true
  }

  /** The body of the response. @throws ConnectionError, or the error of the socket: the request may have arrived */
  exchange(api: AnyApi, version: number, body: Buffer): Promise<Buffer> {
    if (this.#socket.destroyed) return Promise.reject(new ConnectionError('the connection is gone'))
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
    this.#correlationId = (this.#correlationId + 1) & 0x7fffffff
    this.#waiting.push({
      headerVersion: api.responseHeaderVersion(version),
      sentAt: this.#options.clock.elapsed(),
      resolve,
      reject,
    })
    const { clientId } = this.#options.client
    const header = { apiKey: api.key, apiVersion: version, correlationId: this.#correlationId, clientId }
    this.#write(encodeRequestHeader(header), body)
    this.#overdue ??= setTimeout(() => this.#look(), this.#options.requestTimeoutMs)
    return promise
  }

  /** Resolves when no request waits for a response, or when the connection is lost. */
  quiet(): Promise<void> {
    if (this.#waiting.length === this.#answered) return Promise.resolve()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#onQuiet = resolve
    return promise
  }

  /** Closes the socket at once: a peer that doesn't read any more must not delay the caller. */
  close(): void {
    this.#isOpen = false
    this.destroy(new ConnectionError('the connection was closed here'))
  }

  destroy(error: Error): void {
    this.#socket.destroy(error)
    this.#lose(error)
  }

  async #learnVersions(): Promise<void> {
    const api = apis.apiVersions
    const ask = async (version: number) => {
      const raw = await this.exchange(api, version, api.encodeRequest(version, clientSoftware))
      // A broker that does not know this version answers error 35 in a body of version 0, which names the versions that it knows.
      return api.decodeResponse(raw.readInt16BE(0) === errors.UNSUPPORTED_VERSION ? 0 : version, raw)
    }
    const first = await ask(askedFirst)
    const theirs = first.apiKeys.find(({ apiKey }) => apiKey === api.key)?.maxVersion ?? 0
    const answer = first.errorCode === errors.NONE ? first : await ask(Math.min(theirs, askedFirst))
    this.#versions = new Map(answer.apiKeys.map((key) => [key.apiKey, { min: key.minVersion, max: key.maxVersion }]))
    this.#features = new Map(answer.finalizedFeatures.map(({ name, maxVersionLevel }) => [name, maxVersionLevel]))
  }

  async #logIn(sasl: NonNullable<ClientOptions['sasl']>): Promise<void> {
    const handshake = await this.#ask(apis.saslHandshake, 1, { mechanism: sasl.mechanism })
    if (handshake.errorCode !== errors.NONE) {
      const offered = handshake.mechanisms.join(', ')
      throw new AuthenticationError(`the broker does not accept ${sasl.mechanism}, but ${offered || 'no mechanism'}`)
    }
    const version = Math.min(apis.saslAuthenticate.maxVersion, this.#versions.get(apis.saslAuthenticate.key)?.max ?? 0)
    let lifetimeMs = 0
    await authenticate(sasl, async (authBytes) => {
      const answer = await this.#ask(apis.saslAuthenticate, version, { authBytes })
      if (answer.errorCode !== errors.NONE) {
        const { name } = errorByCode(answer.errorCode)
        throw new AuthenticationError(`the broker answers ${name}: ${answer.errorMessage ?? 'no reason'}`)
      }
      lifetimeMs = answer.sessionLifetimeMs
      return answer.authBytes
    })
    if (lifetimeMs > 0) this.#endsAt = this.#options.clock.elapsed() + lifetimeMs * usedShare
  }

  async #ask<Req, ReqIn, Res, ResIn>(api: Api<Req, ReqIn, Res, ResIn>, version: number, body: ReqIn): Promise<Res> {
    return api.decodeResponse(version, await this.exchange(api, version, api.encodeRequest(version, body)))
  }

  #write(header: Buffer, body: Buffer): void {
    const socket = this.#socket
    if (!this.#isCorked) {
      this.#isCorked = true
      socket.cork()
      process.nextTick(() => {
        this.#isCorked = false
        socket.uncork()
      })
    }
    const isCopied = body.length <= copiedBytes
    const begin = Buffer.allocUnsafe(lengthBytes + header.length + (isCopied ? body.length : 0))
    begin.writeInt32BE(header.length + body.length, 0)
    header.copy(begin, lengthBytes)
    if (isCopied) body.copy(begin, lengthBytes + header.length)
    socket.write(begin)
    if (!isCopied) socket.write(body)
  }

  #receive(chunk: Buffer): void {
    this.#frames.push(chunk)
    try {
      for (;;) {
        const frame = this.#frames.next(maxResponseBytes)
        if (frame === null) return
        this.#settle(frame)
      }
    } catch (error) {
      this.destroy(error instanceof Error ? error : new Error(String(error)))
    }
  }

  /** @throws MalformedError for a response without a request */
  #settle(frame: Buffer): void {
    const waiting = this.#waiting[this.#answered]
    if (waiting === undefined) throw new MalformedError('a response came without a request')
    const { header, bodyOffset } = decodeResponseHeader(frame, waiting.headerVersion)
    const expected = (this.#correlationId - (this.#waiting.length - this.#answered - 1)) & 0x7fffffff
    if (header.correlationId !== expected) {
      throw new MalformedError(`the response to request ${expected} says that it is of ${header.correlationId}`)
    }
    this.#answered++
    if (this.#answered === this.#waiting.length) {
      this.#waiting = []
      this.#answered = 0
      this.#onQuiet()
    } else if (this.#answered >= 64) {
      this.#waiting = this.#waiting.slice(this.#answered)
      this.#answered = 0
    }
    waiting.resolve(frame.subarray(bodyOffset))
  }

  /** One timer for all requests: it is set again for those that are due later. */
  #look(): void {
    this.#overdue = undefined
    const oldest = this.#waiting[this.#answered]
    if (oldest === undefined) return
    const { requestTimeoutMs } = this.#options
    const leftMs = oldest.sentAt + requestTimeoutMs - this.#options.clock.elapsed()
    if (leftMs > 0) this.#overdue = setTimeout(() => this.#look(), leftMs)
    else this.destroy(new ConnectionError(`no response within ${requestTimeoutMs} ms`))
  }

  #lose(error: Error): void {
    const wasOpen = this.#isOpen
    this.#isOpen = false
    clearTimeout(this.#overdue)
    this.#overdue = undefined
    const waiting = this.#waiting.slice(this.#answered)
    this.#waiting = []
    this.#answered = 0
    for (const { reject } of waiting) reject(error)
    this.#onQuiet()
    if (wasOpen) this.#options.onLost()
  }
}
