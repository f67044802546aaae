/**
 * A client of one stream for the whole run: each time that the stream breaks, and sometimes without a reason, it resumes at any gateway
 * with the last event id, and keeps the offset and the digest of each event.
 */
import { hash } from 'node:crypto'
import { connect } from 'node:http2'
import { request } from 'node:https'
import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import type { SeededRandom } from '../support/seeded-random.ts'
import { EventStreamParser, offsetsOf, type StreamEvent } from './event-stream.ts'
import { partitionOf, type WatchedView } from './watched-views.ts'

/** The offset of a record, from the event's id, and a digest of the event's data. */
export type SeenRecord = {
  readonly partition: number
  readonly offset: number
  readonly gone: boolean
  readonly digest: string
}

export type SseClientOptions = {
  readonly view: WatchedView
  readonly identity: string
  readonly origins: readonly string[]
  readonly ca: Buffer
  readonly token: (identity: string) => Promise<string>
  readonly random: SeededRandom
  readonly protocol: 'http1' | 'http2'
  /** By the view's own stream, or as the second of two views of one stream, each of which resumes from its own position. */
  readonly through: 'view' | 'live'
}

/** A gateway sends a heartbeat every 15 s: if none comes for much longer, the connection is lost. */
const silenceTimeoutMs = 40_000
const reconnectMs = [50, 1_000] as const
/** The view beside the watched one in `/live`, whose index there is 1. */
const companion = '/activities'
const watchedIndex = 1

export class SseClient {
  readonly view: WatchedView
  readonly identity: string
  readonly protocol: string
  /** The events in the order of arrival; a reset begins a new list. */
  readonly seen: SeenRecord[][] = [[]]
  /** The newest value of each key that is shown. */
  readonly state = new Map<string, string>()
  /** The violations, in words. */
  readonly faults: string[] = []
  readonly resets: string[] = []
  connects = 0
  events = 0
  heartbeats = 0
  /** When the stream last broke, by `performance.now()`, other than by the client itself. */
  lastBreakAt = 0
  #lastEventId = ''
  #companionId = ''
  #isOpen = false
  readonly #options: SseClientOptions
  readonly #stopped = new AbortController()
  #connection = new AbortController()
  #running: Promise<void> = Promise.resolve()

  constructor(options: SseClientOptions) {
    this.#options = options
    this.view = options.view
    this.identity = options.identity
    this.protocol = options.protocol
  }

  get name(): string {
    const { through } = this.#options
    return `${this.view.path} of ${this.identity} (${this.protocol}${through === 'live' ? ', /live' : ''})`
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** The next offset of each partition; undefined before the first event. */
  get position(): readonly number[] | undefined {
    return this.#lastEventId === '' ? undefined : offsetsOf(this.#lastEventId)
  }

  start(): void {
    this.#running = this.#run()
  }

  /** Closes the stream as a user does who opens another page; it connects again by itself. */
  reconnect(): void {
    this.#connection.abort(closedByItself)
  }

  async stop(): Promise<void> {
    this.#stopped.abort(closedByItself)
    this.#connection.abort(closedByItself)
    await this.#running
  }

  async #run(): Promise<void> {
    const { random } = this.#options
    while (!this.#stopped.signal.aborted) {
      this.#connection = new AbortController()
      try {
        await this.#follow(this.#connection.signal)
        this.lastBreakAt = performance.now()
      } catch (error) {
        if (!this.#connection.signal.aborted) this.lastBreakAt = performance.now()
        if (error instanceof ImpossibleAnswer) this.faults.push(`${this.name}: ${error.message}`)
      }
      this.#isOpen = false
      await pause(random.between(...reconnectMs), this.#stopped.signal)
    }
  }

  /** From one connect to the end of its stream. */
  async #follow(signal: AbortSignal): Promise<void> {
    const { identity, origins, random, protocol, through, ca } = this.#options
    const token = await this.#options.token(identity)
    const headers: Record<string, string> = { accept: 'text/event-stream', authorization: `Bearer ${token}` }
    if (through === 'view' && this.#lastEventId !== '') headers['last-event-id'] = this.#lastEventId
    const url = new URL(this.#path(), random.pick(origins))
    const { status, body } = await (protocol === 'http2' ? openHttp2 : openHttp1)(url, { headers, ca, signal })
    if (status !== 200) {
      body.destroy()
      if ([429, 502, 503].includes(status)) throw new Error(`answered with ${status}`)
      throw new ImpossibleAnswer(`answered with ${status} to ${this.#lastEventId}`)
    }
    this.connects += 1
    this.#isOpen = true
    const parser = new EventStreamParser(through === 'view' ? this.#lastEventId : '')
    const take = (event: StreamEvent) => (through === 'view' ? this.#take(event) : this.#takeOfSeveral(event))
    body.setEncoding('utf8')
    const silence = setTimeout(() => body.destroy(new Error('nothing came')), silenceTimeoutMs)
    try {
      for await (const chunk of body) {
        // Bytes after the end are ignored.
        if (signal.aborted) return
        silence.refresh()
        for (const event of parser.push(chunk as string)) take(event)
      }
    } finally {
      clearTimeout(silence)
      body.destroy()
    }
  }

  #path(): string {
    const { view, through } = this.#options
    if (through === 'view') return view.path
    const views = [resumed(companion, this.#companionId), resumed(view.path, this.#lastEventId)]
    return `/live?${views.map((path) => `view=${encodeURIComponent(path)}`).join('&')}`
  }

  /** In a stream of several views, the index of the view stands before names and ids; a reset has no id of its own. */
  #takeOfSeveral({ event, data, lastEventId }: StreamEvent): void {
    const [, idIndex, id = ''] = /^(\d+):(.*)$/s.exec(lastEventId) ?? []
    const [, eventIndex, name = event] = /^(\d+):(.*)$/.exec(event) ?? []
    const index = data === undefined ? idIndex : eventIndex
    const isReset = name === 'reset'
    if (index !== idIndex && !isReset) {
      this.faults.push(`${this.name}: event ${event} ${data} has the id ${lastEventId}`)
    } else if (index === String(watchedIndex)) {
      this.#take({ event: name, data, lastEventId: isReset ? this.#lastEventId : id })
    } else {
      this.#companionId = isReset ? '' : id
    }
  }

  #take({ event, data, lastEventId }: StreamEvent): void {
    this.#lastEventId = lastEventId
    if (data === undefined) {
      this.heartbeats += 1
      return
    }
    switch (event) {
      case 'message':
      case 'delete':
        this.#record(data, event === 'delete')
        break
      case 'reset':
        this.resets.push(`${this.name}: ${data}`)
        this.seen.push([])
        this.state.clear()
        break
      case 'caught-up':
        break
      default:
        this.faults.push(`${this.name}: unexpected event ${event} ${data}`)
    }
  }

  #record(data: string, gone: boolean): void {
    const key = gone ? data : this.view.keyOf(JSON.parse(data))
    const offsets = offsetsOf(this.#lastEventId)
    const partition = partitionOf(key, offsets.length)
    this.events += 1
    this.seen.at(-1)?.push({ partition, offset: (offsets[partition] ?? 0) - 1, gone, digest: digestOf(data) })
    if (this.view.kind === 'delete') return
    if (gone) this.state.delete(key)
    else this.state.set(key, data)
  }
}

function resumed(path: string, lastEventId: string): string {
  if (lastEventId === '') return path
  return `${path}${path.includes('?') ? '&' : '?'}lastEventId=${encodeURIComponent(lastEventId)}`
}

/** Short, since a long run gets hundreds of thousands of events. */
export function digestOf(text: string): string {
  return hash('sha1', text, 'base64').slice(0, 12)
}

/** An answer that no fault explains. */
class ImpossibleAnswer extends Error {}

const closedByItself = new Error('closed by itself')

type Opening = {
  readonly headers: Readonly<Record<string, string>>
  readonly ca: Buffer
  readonly signal: AbortSignal
}

type Opened = { readonly status: number; readonly body: Readable }

function openHttp1(url: URL, { headers, ca, signal }: Opening): Promise<Opened> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => outgoing.destroy(new Error('no answer')), silenceTimeoutMs)
    const outgoing = request(url, { headers, ca, agent: false, signal }, (response) => {
      clearTimeout(timer)
      resolve({ status: response.statusCode ?? 0, body: response })
    })
    outgoing.on('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
    outgoing.end()
  })
}

function openHttp2(url: URL, { headers, ca, signal }: Opening): Promise<Opened> {
  return new Promise((resolve, reject) => {
    const session = connect(url, { ca })
    const timer = setTimeout(() => session.destroy(new Error('no answer')), silenceTimeoutMs)
    const fail = (error: Error) => {
      clearTimeout(timer)
      session.destroy()
      reject(error)
    }
    signal.addEventListener('abort', () => session.destroy(), { once: true })
    session.on('error', fail)
    session.on('close', () => fail(new Error('the session was closed')))
    const stream = session.request({ ':path': `${url.pathname}${url.search}`, ...headers })
    stream.on('error', fail)
    stream.on('close', () => session.destroy())
    stream.on('response', (response) => {
      clearTimeout(timer)
      resolve({ status: response[':status'] ?? 0, body: stream })
    })
    stream.end()
  })
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined)
}
