import { EventSource } from 'eventsource'
import type { TokenSource } from '../api/http.ts'
import { createInbox, type InboxHandlers } from './inbox.ts'

/**
 * One live view of the gateway: history first, then updates, resumed where it was after any interruption.
 *
 *     connecting ──► live ──► reconnecting ──► live
 *         │  ▲        │          │  │
 *         │  └────────┼──(retry)─┘  │
 *         └───────────┴─────────────┴──► refused (the session lacks the permission or has ended)
 *     every state ──► closed (the page was left)
 */
export type StreamState = 'connecting' | 'live' | 'reconnecting' | 'refused' | 'closed'

export type StreamOptions = InboxHandlers & {
  readonly url: string
  readonly tokens: TokenSource
  readonly fetch?: typeof fetch
  /** History has been delivered: from here on the view may say that it is empty. */
  readonly onSettled?: () => void
  readonly onState?: (state: StreamState) => void
}

const eventTypes = ['message', 'delete', 'reset', 'caught-up', 'challenge', 'expired'] as const
type EventType = (typeof eventTypes)[number]

const firstBackoffMs = 1_000
const maxBackoffMs = 30_000

/** Opens a live view and keeps it open until it is closed. */
export function openStream(options: StreamOptions): LiveStream {
  return new LiveStream(options)
}

export class LiveStream {
  readonly #options: StreamOptions
  readonly #fetch: typeof fetch
  readonly #inbox: ReturnType<typeof createInbox>
  #source: EventSource | undefined
  #state: StreamState = 'connecting'
  // The last position seen, kept across sources: a new source (after renewal of the token, say) goes on from here.
  #lastEventId = ''
  #sentToken: string | undefined
  #backoffMs = firstBackoffMs
  #retryTimer: ReturnType<typeof setTimeout> | undefined

  constructor(options: StreamOptions) {
    this.#options = options
    this.#fetch = options.fetch ?? ((input, init) => fetch(input, init))
    this.#inbox = createInbox(options)
    this.#connect()
  }

  /** Ends it: nothing is delivered any more. */
  close(): void {
    clearTimeout(this.#retryTimer)
    this.#inbox.drop()
    this.#source?.close()
    this.#setState('closed')
  }

  /** Connects anew and goes on from the last position. */
  reconnect(): void {
    this.#restart('reconnecting')
  }

  /** The same because somebody asked for it: told as a first attempt, so that they see that something is done. */
  retry(): void {
    this.#backoffMs = firstBackoffMs
    this.#restart('connecting')
  }

  #restart(state: 'connecting' | 'reconnecting'): void {
    if (this.#state === 'closed') return
    clearTimeout(this.#retryTimer)
    this.#source?.close()
    this.#setState(state)
    this.#connect()
  }

  /** Stops reading until `reconnect`, keeping the position: for a reader that can't take more. */
  hold(): void {
    clearTimeout(this.#retryTimer)
    this.#source?.close()
    this.#inbox.flush()
  }

  #setState(next: StreamState): void {
    if (this.#state === next || this.#state === 'closed') return
    this.#state = next
    this.#options.onState?.(next)
  }

  #connect(): void {
    if (this.#state === 'closed') return
    const source = new EventSource(this.#options.url, { fetch: (url, init) => this.#request(String(url), init) })
    this.#source = source
    source.addEventListener('open', () => {
      this.#backoffMs = firstBackoffMs
      this.#setState('live')
    })
    source.addEventListener('error', (event) => this.#onError(source, event.code))
    for (const type of eventTypes) {
      source.addEventListener(type, (event) => this.#onEvent(type, event as MessageEvent<string>))
    }
  }

  async #request(url: string, init: { headers: Record<string, string>; signal: AbortSignal }): Promise<Response> {
    this.#sentToken = await this.#options.tokens.token()
    const headers = new Headers(init.headers)
    if (this.#sentToken !== undefined) headers.set('authorization', `Bearer ${this.#sentToken}`)
    // The source itself knows the position only after its own first event.
    if (this.#lastEventId !== '' && !headers.has('last-event-id')) headers.set('last-event-id', this.#lastEventId)
    return this.#fetch(url, { headers, signal: init.signal, cache: 'no-store' })
  }

  #onEvent(type: EventType, event: MessageEvent<string>): void {
    if (event.lastEventId !== '') this.#lastEventId = event.lastEventId
    switch (type) {
      case 'message':
        this.#inbox.add({ kind: 'record', value: JSON.parse(event.data) })
        break
      case 'delete':
        this.#inbox.add({ kind: 'delete', key: event.data })
        break
      case 'reset':
        this.#inbox.add({ kind: 'reset' })
        break
      case 'caught-up':
        this.#inbox.flush()
        this.#options.onSettled?.()
        break
      case 'challenge':
        void this.#answerChallenge(event.data)
        break
      case 'expired':
        void this.#renewAndReconnect()
        break
    }
  }

  async #answerChallenge(data: string): Promise<void> {
    const { tokens } = this.#options
    const challenge = JSON.parse(data) as { url: string; streamId: string }
    const current = await tokens.token()
    const isNewer = current !== undefined && current !== this.#sentToken
    const token = isNewer ? current : await tokens.renew(this.#sentToken ?? '')
    if (token === undefined || this.#state === 'closed') return
    const response = await this.#fetch(challenge.url, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ streamId: challenge.streamId }),
    }).catch(() => undefined)
    if (response?.status === 204) this.#sentToken = token
    // Another gateway holds the stream, or none any more: a new one goes on from the same position.
    else if (response?.status === 404) this.reconnect()
  }

  async #renewAndReconnect(): Promise<void> {
    this.#source?.close()
    this.#setState('reconnecting')
    const token = await this.#options.tokens.renew(this.#sentToken ?? '')
    if (token === undefined) this.#setState('refused')
    else this.#connect()
  }

  #onError(source: EventSource, status: number | undefined): void {
    if (source !== this.#source || this.#state === 'closed') return
    // Cut off: the source comes back by itself, with its position.
    if (source.readyState !== source.CLOSED) this.#setState('reconnecting')
    else if (status === 401) void this.#renewAndReconnect()
    else if (status === 403) this.#setState('refused')
    else this.#tryLater(status)
  }

  #tryLater(status: number | undefined): void {
    if (status === 400 && this.#lastEventId !== '') {
      // The gateway doesn't know this position (another version of it, say): begin again.
      this.#lastEventId = ''
      this.#inbox.add({ kind: 'reset' })
    }
    this.#setState('reconnecting')
    this.#retryTimer = setTimeout(() => this.#connect(), this.#backoffMs)
    this.#backoffMs = Math.min(this.#backoffMs * 2, maxBackoffMs)
  }
}
