/** All open streams: their number, their heartbeats, their tokens, and their end when the gateway stops. */
import type { Identity } from '../guard/guard.ts'
import { ProblemError } from '../shared/problem.ts'
import type { TopicFeed } from '../views/topic-feed.ts'
import type { View } from '../views/view.ts'
import { type Place, Places } from './places.ts'
import type { Session } from './session.ts'

/** Why a stream ended. */
export type EndReason = 'client' | 'slow' | 'expired' | 'drain' | 'fault'

/** The members of a stream that the registry needs, for streams of views and of the console. */
export type OpenStream = {
  readonly id: string
  readonly session: Session
  /** The scopes that it needs: a new token must have them as well. */
  readonly scopes: readonly string[]
  /** `positionOf` returns the event id of a view's present position. */
  readonly heartbeat: (positionOf: (view: View) => string) => void
  /** The bytes that its client has not taken yet. */
  readonly bufferedBytes: () => number
  /** The feed's topic began anew. Rejects if the stream can't continue. */
  readonly restart: (feed: TopicFeed) => Promise<void>
  readonly end: (reason: EndReason) => void
}

export type StreamRegistryOptions = {
  readonly heartbeatMs: number
  readonly streams: number
  readonly streamsOfOne: number
  readonly streamBuffersBytes: number
}

const sweepMs = 1_000

export class StreamRegistry {
  readonly #options: StreamRegistryOptions
  readonly #streams = new Map<string, OpenStream>()
  readonly #places: Places
  readonly #heartbeats: NodeJS.Timeout
  readonly #sweeps: NodeJS.Timeout
  #draining = false

  constructor(options: StreamRegistryOptions) {
    this.#options = options
    this.#places = new Places({ ofAll: options.streams, ofOne: options.streamsOfOne, what: 'streams' })
    this.#heartbeats = setInterval(() => this.#beat(), options.heartbeatMs)
    this.#sweeps = setInterval(() => this.#sweep(), sweepMs)
  }

  get size(): number {
    return this.#streams.size
  }

  /**
   * Takes a place at once, so that streams that are opened at the same time are all counted.
   * @throws ProblemError 429 if there are too many, 503 while the gateway shuts down
   */
  reserve({ subject }: Identity): Place {
    if (this.#draining) {
      throw new ProblemError('try-again', 'This gateway is shutting down.', { headers: { 'retry-after': '1' } })
    }
    return this.#places.reserve(subject)
  }

  /** Adds a stream that has a place. One that was opened while the gateway began to shut down ends at once. */
  add(stream: OpenStream): void {
    this.#streams.set(stream.id, stream)
    if (this.#draining) stream.end('drain')
  }

  remove({ id }: Pick<OpenStream, 'id'>): void {
    this.#streams.delete(id)
  }

  get(streamId: string): OpenStream | undefined {
    return this.#streams.get(streamId)
  }

  restart(feed: TopicFeed): void {
    for (const stream of this.#streams.values()) stream.restart(feed).catch(() => stream.end('fault'))
  }

  /** Clients reconnect with their last id, to another gateway. */
  drain(): void {
    this.#draining = true
    clearInterval(this.#heartbeats)
    clearInterval(this.#sweeps)
    this.#beat()
    for (const stream of [...this.#streams.values()]) stream.end('drain')
  }

  /** The unsent bytes of all clients together are limited as well: clients with the most are disconnected and resume later. */
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
    const positions = new Map<View, string>()
    const positionOf = (view: View) => {
      const position = positions.get(view) ?? view.eventId()
      positions.set(view, position)
      return position
    }
    for (const stream of this.#streams.values()) stream.heartbeat(positionOf)
  }
}
