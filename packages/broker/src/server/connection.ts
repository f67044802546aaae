/**
 * One client's connection: bytes in, frames, responses in order, bytes out.
 *
 * It stops reading while the client doesn't take its responses or has too many open requests, so that neither
 * queue grows without limit. Every phase has a time limit: the first request, the login, a frame that has begun, a client
 * that doesn't read, and no traffic at all. Bytes that it can't decode, and a phase that takes too long, close it, with one line in
 * the log.
 */
import type { Socket } from 'node:net'
import { decodeRequestHeader, FrameError, FrameSplitter, MalformedError } from '@streampay/kafka/wire'
import type { ClientConnection } from '../apis/api.ts'
import type { Schedule } from '../coordinators/schedule.ts'
import type { AnswerFaults, Struck } from '../faults/answer-faults.ts'
import { ApiError } from '../log/api-error.ts'
import type { Logger } from '../logger.ts'
import type { BrokerConfig } from './config.ts'
import { type Dispatcher, RefusedRequest } from './dispatch.ts'
import type { Warn } from './line-budget.ts'
import type { LoginPace } from './login-pace.ts'
import { ResponseQueue } from './responses.ts'
import { openSaslSession } from './sasl.ts'
import type { ScramStore } from './scram-store.ts'

export type ConnectionParts = {
  readonly id: number
  /** The peer's address. */
  readonly host: string
  readonly dispatch: Dispatcher
  readonly config: BrokerConfig
  readonly credentials: ScramStore
  readonly loginPace: LoginPace
  readonly schedule: Schedule
  readonly logger: Logger
  readonly warn: Warn
  readonly faults: AnswerFaults
}

/** A phase of the connection took longer than allowed. */
class OverdueError extends Error {
  override readonly name = 'OverdueError'
}

type Phase = 'first request' | 'frame' | 'idle'

/** Serves the socket until either side closes it. */
export function serveConnection(socket: Socket, parts: ConnectionParts): void {
  new Connection(socket, parts)
}

class Connection {
  readonly #socket: Socket
  readonly #parts: ConnectionParts
  readonly #client: ClientConnection
  readonly #frames = new FrameSplitter()
  readonly #responses: ResponseQueue
  readonly #gone = new AbortController()
  #paused = false
  #draining = false
  #requestBytes = 0
  #framesRead = 0
  /** The phase with the number of frames before it: the next frame that begins has a time limit of its own. */
  #phase = ''
  #cancelPhase = () => {}
  #cancelLogin = () => {}

  constructor(socket: Socket, parts: ConnectionParts) {
    this.#socket = socket
    this.#parts = parts
    const { id, host, credentials, loginPace, warn } = parts
    const sasl = openSaslSession({ credentials, loginPace, host, warn })
    this.#client = { id, host, sasl, closed: this.#gone.signal }
    this.#responses = new ResponseQueue((buffers) => this.#write(buffers))
    this.#serve()
  }

  #serve(): void {
    const { config, id, host, logger, schedule } = this.#parts
    const socket = this.#socket
    socket.setNoDelay(true)
    socket.on('data', (chunk) => this.#receive(chunk as Buffer))
    socket.on('drain', () => this.#drained())
    // Node's time counts from the last byte that the client took.
    socket.on('timeout', () => this.#overdue(`the client read no byte for ${config.writeTimeoutMs} ms`))
    socket.on('error', (error) => logger.debug({ connection: id, host, err: error }, 'connection lost'))
    socket.on('close', () => this.#closed())
    if (this.#needsLogin) {
      const { loginTimeoutMs } = config
      this.#cancelLogin = schedule(loginTimeoutMs, () => {
        if (this.#needsLogin) this.#overdue(`no login within ${loginTimeoutMs} ms`)
      })
    }
    this.#enterPhase()
  }

  get #needsLogin(): boolean {
    const { state } = this.#client.sasl
    return state !== 'open' && state !== 'done'
  }

  get #isFull(): boolean {
    const { maxRequestsInFlight, maxBytesInFlight } = this.#parts.config
    return (
      this.#draining ||
      this.#responses.length >= maxRequestsInFlight ||
      this.#requestBytes + this.#responses.bytes >= maxBytesInFlight
    )
  }

  #receive(chunk: Buffer): void {
    this.#frames.push(chunk)
    if (!this.#paused) this.#readFrames()
    this.#enterPhase()
  }

  #readFrames(): void {
    const { maxFrameBytes, maxFrameBytesBeforeLogin } = this.#parts.config
    try {
      while (!this.#socket.destroyed) {
        if (this.#isFull) {
          this.#paused = true
          this.#socket.pause()
          return
        }
        const frame = this.#frames.next(this.#needsLogin ? maxFrameBytesBeforeLogin : maxFrameBytes)
        if (frame === null) return
        this.#framesRead++
        void this.#answer(frame)
      }
    } catch (error) {
      this.#close(error)
    }
  }

  async #answer(frame: Buffer): Promise<void> {
    const respond = this.#responses.reserve()
    this.#requestBytes += frame.length
    try {
      const struck = this.#parts.faults.areNone ? undefined : this.#strike(frame)
      if (struck?.drop === 'before') return this.#drop()
      const response = await this.#parts.dispatch(frame, this.#client)
      if (struck !== undefined) await struck.wait()
      if (struck?.drop === 'after') return this.#drop()
      this.#requestBytes -= frame.length
      respond(response)
    } catch (error) {
      this.#close(error)
    }
    this.#resume()
    this.#enterPhase()
  }

  /** Tokens without a header belong to no API, so no fault applies to them. */
  #strike(frame: Buffer): Struck | undefined {
    if (this.#client.sasl.bareTokens) return undefined
    return this.#parts.faults.strike(decodeRequestHeader(frame).header)
  }

  #drop(): void {
    const { id: connection, host, logger } = this.#parts
    logger.debug({ connection, host }, 'connection closed, because of an injected fault')
    this.#socket.destroy()
  }

  #write(buffers: readonly Buffer[]): void {
    const socket = this.#socket
    if (socket.destroyed) return
    socket.cork()
    for (const buffer of buffers) socket.write(buffer)
    socket.uncork()
    if (!socket.writableNeedDrain || this.#draining) return
    this.#draining = true
    socket.setTimeout(this.#parts.config.writeTimeoutMs)
  }

  #drained(): void {
    this.#draining = false
    this.#socket.setTimeout(0)
    this.#resume()
    this.#enterPhase()
  }

  #resume(): void {
    if (!this.#paused || this.#isFull || this.#socket.destroyed) return
    this.#paused = false
    this.#readFrames()
    if (!this.#paused) this.#socket.resume()
  }

  /** Must be called after all traffic. A phase keeps its timer, the idle time begins anew. */
  #enterPhase(): void {
    if (this.#socket.destroyed) return
    const phase: Phase = this.#framesRead === 0 ? 'first request' : this.#awaitsBytes ? 'frame' : 'idle'
    const key = `${phase} ${this.#framesRead}`
    if (phase !== 'idle' && key === this.#phase) return
    this.#phase = key
    this.#cancelPhase()
    const timeoutMs = this.#timeoutMsOf(phase)
    this.#cancelPhase = this.#parts.schedule(timeoutMs, () => this.#overdue(`${overdueWords[phase]} ${timeoutMs} ms`))
  }

  /** A frame has begun, and the client has to send the rest. */
  get #awaitsBytes(): boolean {
    return this.#frames.hasBegun && !this.#paused
  }

  #timeoutMsOf(phase: Phase): number {
    const { firstRequestTimeoutMs, frameTimeoutMs, connectionsMaxIdleMs } = this.#parts.config
    return { 'first request': firstRequestTimeoutMs, frame: frameTimeoutMs, idle: connectionsMaxIdleMs }[phase]
  }

  #overdue(reason: string): void {
    this.#close(new OverdueError(reason))
  }

  #close(error: unknown): void {
    if (this.#socket.destroyed) return
    const { id: connection, host, logger, warn } = this.#parts
    const reason = error instanceof Error ? error.message : String(error)
    if (error instanceof OverdueError) warn({ connection, host, reason }, 'connection closed by a timeout')
    else if (isOfTheClient(error))
      warn({ connection, host, reason }, 'connection closed because the client sent invalid data')
    else logger.error({ connection, host, err: error }, 'connection closed because a handler failed')
    this.#socket.destroy()
  }

  #closed(): void {
    this.#cancelPhase()
    this.#cancelLogin()
    this.#gone.abort()
  }
}

const overdueWords: Record<Phase, string> = {
  'first request': 'no request within',
  frame: 'a request was still incomplete after',
  idle: 'no traffic for',
}

/** An error that a client's bytes can cause. Any other error is a bug of the broker. */
const faultsOfClients = [MalformedError, FrameError, RefusedRequest, ApiError]

function isOfTheClient(error: unknown): boolean {
  return faultsOfClients.some((fault) => error instanceof fault)
}
