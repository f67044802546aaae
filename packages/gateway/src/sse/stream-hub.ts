/** All open streams: how many there may be, their heartbeats, their tokens, and their end when the gateway stops. */
import type { Identity } from '../guard/guard.ts'
import { ProblemError } from '../http/problem.ts'
import type { TopicFeed } from '../views/topic-feed.ts'
import type { View } from '../views/view.ts'
import type { Session } from './session.ts'
import type { EndReason } from './stream.ts'

/** What the hub needs of a stream, be it of a view or of the console. */
export type OpenStream = {
  readonly id: string
  readonly session: Session
  /** The scope that opened it: a new token must have it, too. */
  readonly scope: string
  /** Undefined for a stream that follows no view. */
  readonly view: View | undefined
  readonly heartbeat: (ofView: Buffer) => void
  /** What its client has not taken yet. */
  readonly bufferedBytes: () => number
  readonly restart: () => void
  readonly end: (reason: EndReason) => void
}

export type HubOptions = {
  readonly heartbeatMs: number
  readonly streams: number
  readonly streamsOfOne: number
  readonly streamBuffersBytes: number
}

const sweepMs = 1_000

const noBytes = Buffer.alloc(0)

export class StreamHub {
  readonly #options: HubOptions
  readonly #streams = new Map<string, OpenStream>()
  readonly #bySubject = new Map<string, number>()
  readonly #heartbeats: NodeJS.Timeout
  readonly #sweeps: NodeJS.Timeout
  #draining = false

  constructor(options: HubOptions) {
    this.#options = options
    this.#heartbeats = setInterval(() => this.#beat(), options.heartbeatMs)
    this.#sweeps = setInterval(() => this.#sweep(), sweepMs)
  }

  get size(): number {
    return this.#streams.size
  }

  /** @throws ProblemError 429 if there are too many, 503 while the gateway shuts down */
  admit({ subject }: Identity): void {
    if (this.#draining) {
      throw new ProblemError('try-again', 'This gateway is shutting down.', { headers: { 'retry-after': '1' } })
    }
    const { streams, streamsOfOne } = this.#options
    const headers = { 'retry-after': '10' }
    if (this.#streams.size >= streams) {
      throw new ProblemError('too-many-requests', `This gateway has ${streams} open streams and takes no more.`, {
        headers,
      })
    }
    if ((this.#bySubject.get(subject) ?? 0) >= streamsOfOne) {
      throw new ProblemError('too-many-requests', `You have ${streamsOfOne} open streams; close one first.`, {
        headers,
      })
    }
  }

  add(stream: OpenStream): void {
    this.#streams.set(stream.id, stream)
    const { subject } = stream.session
    this.#bySubject.set(subject, (this.#bySubject.get(subject) ?? 0) + 1)
  }

  remove(stream: Pick<OpenStream, 'id' | 'session'>): void {
    if (!this.#streams.delete(stream.id)) return
    const { subject } = stream.session
    const left = (this.#bySubject.get(subject) ?? 1) - 1
    if (left === 0) this.#bySubject.delete(subject)
    else this.#bySubject.set(subject, left)
  }

  get(streamId: string): OpenStream | undefined {
    return this.#streams.get(streamId)
  }

  restart(feed: TopicFeed): void {
    for (const stream of this.#streams.values()) if (stream.view?.feed === feed) stream.restart()
  }

  /** Clients come back with their last id, to another gateway. */
  drain(): void {
    this.#draining = true
    clearInterval(this.#heartbeats)
    clearInterval(this.#sweeps)
    this.#beat()
    for (const stream of [...this.#streams.values()]) stream.end('drain')
  }

  /** What piled up for all clients together is bounded, too: those with the most are cut off and resume later. */
  #sweep(): void {
    const buffers = [...this.#streams.values()].map((stream) => ({ stream, bytes: stream.bufferedBytes() }))
    let excess = buffers.reduce((sum, { bytes }) => sum + bytes, 0) - this.#options.streamBuffersBytes
    if (excess <= 0) return
    for (const { stream, bytes } of buffers.sort((a, b) => b.bytes - a.bytes)) {
      stream.end('slow')
      excess -= bytes
      if (excess <= 0) return
    }
  }

  #beat(): void {
    const beats = new Map<View, Buffer>()
    for (const stream of this.#streams.values()) {
      const { view } = stream
      const beat = view === undefined ? noBytes : (beats.get(view) ?? view.heartbeat())
      if (view !== undefined) beats.set(view, beat)
      stream.heartbeat(beat)
    }
  }
}
