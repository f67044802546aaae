import { createParser } from 'eventsource-parser'
import { answerOf, problemOf, retryAfterMsOf, type TokenSource } from '../api/http.ts'
import type { Problem } from '../api/types.ts'
import { pageVisibility, type Visibility } from './visibility.ts'

/**
 * One connection for Server-Sent Events, kept open until it is closed:
 *
 *     connecting ──► live ──► reconnecting ──► live
 *         │  ▲        │          │  │
 *         │  └────────┼──(retry)─┘  │
 *         └───────────┴─────────────┴──► refused (the session lacks the permission or has ended)
 *     every state but refused ⇄ paused (the page has been hidden for a while, or the reader can't take more)
 *     every state ──► closed (the page was left)
 *
 * It notices silence: a connection may be dead without an error, behind a proxy that hangs or after a change of networks.
 */
export type StreamState = 'connecting' | 'live' | 'reconnecting' | 'refused' | 'paused' | 'closed'

/** Why it isn't live, if that is known. */
export type StreamFault =
  | { readonly kind: 'session' }
  | { readonly kind: 'permission' }
  /** No answer at all. */
  | { readonly kind: 'unreachable' }
  | { readonly kind: 'tooMany'; readonly retryAfterMs: number }

export type ServerEvent = { readonly type: string; readonly data: string }

export type EventConnectionOptions = {
  /** The path to request: it names the positions to continue from, and so is computed for each attempt. */
  readonly request: () => { readonly url: string; readonly lastEventId?: string }
  readonly tokens: TokenSource
  readonly fetch?: typeof fetch
  readonly visibility?: Visibility
  /** Between 0 and 1: spreads the attempts of many pages over time. */
  readonly random?: () => number
  readonly onEvent: (event: ServerEvent) => void
  /** The position after everything delivered so far; comes before the event that it belongs to, and with heartbeats. */
  readonly onId: (id: string) => void
  readonly onState: (state: StreamState, fault: StreamFault | undefined) => void
  /** The gateway doesn't know a position: all records so far are void, and `request` must not name the position again. */
  readonly onBadPosition: () => void
  /** A permission is missing. @returns whether another request is possible */
  readonly onForbidden?: (problem: Problem) => boolean
  /** Whether it can continue from its position after a pause; by default it can. */
  readonly canPause?: () => boolean
}

/** The gateway's heartbeat comes every 15 s: after two missing ones the connection is taken for dead. */
export const silenceMs = 30_000
const answerTimeoutMs = 15_000
/** How long a page must be hidden before it closes its stream. */
export const hiddenForMs = 20_000
const firstBackoffMs = 1_000
const maxBackoffMs = 30_000

export class EventConnection {
  readonly #options: EventConnectionOptions
  readonly #fetch: typeof fetch
  readonly #visibility: Visibility
  readonly #stopWatching: () => void
  #state: StreamState = 'connecting'
  /** Paused because the page is hidden, and not by its reader. */
  #isAway = false
  #attempt: AbortController | undefined
  #sentToken: string | undefined
  #refusedToken: string | undefined
  #retryMs = firstBackoffMs
  #backoffMs = firstBackoffMs
  #retryTimer: ReturnType<typeof setTimeout> | undefined
  #silenceTimer: ReturnType<typeof setTimeout> | undefined
  #hiddenTimer: ReturnType<typeof setTimeout> | undefined

  constructor(options: EventConnectionOptions) {
    this.#options = options
    this.#fetch = options.fetch ?? ((input, init) => fetch(input, init))
    this.#visibility = options.visibility ?? pageVisibility
    this.#stopWatching = this.#visibility.onChange(() => this.#onVisibility())
    void this.#connect()
    this.#onVisibility()
  }

  get state(): StreamState {
    return this.#state
  }

  /** Ends it: nothing is delivered any more. */
  close(): void {
    this.#disconnect()
    clearTimeout(this.#hiddenTimer)
    this.#stopWatching()
    this.#setState('closed')
  }

  /** Connects anew, and continues from the positions that `request` then names. */
  restart(state: 'connecting' | 'reconnecting'): void {
    if (this.#state === 'closed') return
    if (state === 'connecting') this.#backoffMs = firstBackoffMs
    this.#disconnect()
    this.#setState(state)
    void this.#connect()
    this.#onVisibility()
  }

  /** Stops reading until `restart`. */
  pause(): void {
    if (this.#state === 'closed' || this.#state === 'refused') return
    this.#disconnect()
    this.#setState('paused')
  }

  #disconnect(): void {
    clearTimeout(this.#retryTimer)
    clearTimeout(this.#silenceTimer)
    this.#attempt?.abort()
    this.#attempt = undefined
  }

  #setState(next: StreamState, fault?: StreamFault): void {
    if (this.#state === 'closed') return
    this.#state = next
    this.#options.onState(next, fault)
  }

  async #connect(): Promise<void> {
    const attempt = new AbortController()
    this.#attempt = attempt
    const { tokens, request } = this.#options
    try {
      const token = await tokens.token()
      if (attempt !== this.#attempt) return
      this.#sentToken = token
      this.#expectBytes(answerTimeoutMs)
      const { url, lastEventId } = request()
      const headers = new Headers({ accept: 'text/event-stream' })
      if (token !== undefined) headers.set('authorization', `Bearer ${token}`)
      if (lastEventId !== undefined) headers.set('last-event-id', lastEventId)
      const response = await this.#fetch(url, { headers, signal: attempt.signal, cache: 'no-store' })
      if (attempt !== this.#attempt) return
      const isStream = /^\s*text\/event-stream/i.test(response.headers.get('content-type') ?? '')
      if (response.status === 200 && isStream && response.body !== null) await this.#read(response.body, attempt)
      else await this.#onAnswer(response, attempt)
    } catch {
      // Any error, except an abort by this code: the next attempt shows whether it lasts.
      if (attempt === this.#attempt) this.#tryLater(this.#nextBackoffMs(), { kind: 'unreachable' })
    }
  }

  async #read(body: ReadableStream<Uint8Array>, attempt: AbortController): Promise<void> {
    const { onEvent, onId } = this.#options
    const isCurrent = () => attempt === this.#attempt
    const parser = createParser({
      onId: (id) => isCurrent() && onId(id),
      onRetry: (ms) => {
        this.#retryMs = ms
      },
      onEvent: ({ event = 'message', data }) => {
        if (!isCurrent() || this.#onControl(event, data)) return
        onEvent({ type: event, data })
      },
    })
    this.#backoffMs = firstBackoffMs
    this.#refusedToken = undefined
    this.#setState('live')
    const reader = body.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>).getReader()
    while (true) {
      this.#expectBytes(silenceMs)
      // A connection that breaks is treated as one that ends.
      const { done, value } = await reader.read().catch(() => ({ done: true, value: undefined }))
      if (!isCurrent()) return
      if (done || value === undefined) break
      try {
        parser.feed(value)
      } catch (error) {
        // A bug of this page or of the gateway, not a fault of the connection: it is reported as a bug, and reading begins anew.
        queueMicrotask(() => {
          throw error
        })
        break
      }
    }
    this.#tryLater(this.#retryMs)
  }

  /** Bytes must come within this time; if none come, the connection is taken for dead. */
  #expectBytes(withinMs: number): void {
    clearTimeout(this.#silenceTimer)
    this.#silenceTimer = setTimeout(() => {
      this.#attempt?.abort()
      this.#tryLater(0)
    }, withinMs)
  }

  #onControl(event: string, data: string): boolean {
    if (event === 'challenge') void this.#answerChallenge(data)
    else if (event === 'expired') void this.#renewAndReconnect()
    else return false
    return true
  }

  async #onAnswer(response: Response, attempt: AbortController): Promise<void> {
    clearTimeout(this.#silenceTimer)
    const { status } = response
    const { onForbidden, onBadPosition } = this.#options
    if (status === 401) return this.#renewAndReconnect()
    if (status === 403) {
      const { body } = await answerOf(response)
      if (attempt !== this.#attempt) return
      if (onForbidden?.(problemOf(response, body)) === true) return this.restart('reconnecting')
      this.#disconnect()
      return this.#setState('refused', { kind: 'permission' })
    }
    if (status === 429) {
      const retryAfterMs = Math.max(retryAfterMsOf(response) ?? 0, this.#nextBackoffMs())
      return this.#tryLater(retryAfterMs, { kind: 'tooMany', retryAfterMs })
    }
    if (status === 400) onBadPosition()
    this.#tryLater(this.#nextBackoffMs())
  }

  #nextBackoffMs(): number {
    const backoffMs = this.#backoffMs
    this.#backoffMs = Math.min(backoffMs * 2, maxBackoffMs)
    return backoffMs
  }

  #tryLater(delayMs: number, fault?: StreamFault): void {
    this.#disconnect()
    this.#setState('reconnecting', fault)
    const random = this.#options.random ?? (() => 0)
    // Never sooner than the gateway asked for.
    this.#retryTimer = setTimeout(() => void this.#connect(), delayMs * (1 + random() / 4))
  }

  async #answerChallenge(data: string): Promise<void> {
    const { tokens } = this.#options
    const attempt = this.#attempt
    const challenge = JSON.parse(data) as { url: string; streamId: string }
    const current = await tokens.token()
    const isNewer = current !== undefined && current !== this.#sentToken
    const token = isNewer ? current : await tokens.renew(this.#sentToken ?? '')
    if (token === undefined || attempt !== this.#attempt) return
    const response = await this.#fetch(challenge.url, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ streamId: challenge.streamId }),
    }).catch(() => undefined)
    if (attempt !== this.#attempt) return
    if (response?.status === 204) this.#sentToken = token
    // Another gateway has the stream, or the stream is gone: a new connection continues from the same position.
    else if (response?.status === 404) this.restart('reconnecting')
  }

  async #renewAndReconnect(): Promise<void> {
    const refused = this.#sentToken ?? ''
    // The new token is refused too: the token is not the cause, and more requests don't help.
    if (this.#refusedToken !== undefined && this.#refusedToken !== refused) return this.#tryLater(this.#nextBackoffMs())
    this.#disconnect()
    const waiting = new AbortController()
    this.#attempt = waiting
    this.#setState('reconnecting')
    this.#refusedToken = refused
    const token = await this.#options.tokens.renew(refused)
    if (waiting !== this.#attempt) return
    if (token === undefined) this.#setState('refused', { kind: 'session' })
    else void this.#connect()
  }

  /** A hidden page closes its connection after a while, because browsers and gateways have few of them. */
  #onVisibility(): void {
    clearTimeout(this.#hiddenTimer)
    if (!this.#visibility.isHidden()) {
      if (this.#state === 'paused' && this.#isAway) this.restart('reconnecting')
      this.#isAway = false
      return
    }
    this.#hiddenTimer = setTimeout(() => {
      if (this.#state === 'paused') return
      if (this.#options.canPause?.() === false) return this.#onVisibility()
      this.#isAway = true
      this.pause()
    }, hiddenForMs)
  }
}
