/** One open stream: its response, the token behind it, and the views that it shows. */
import { randomUUID } from 'node:crypto'
import type { Limits } from '../definition/definition.ts'
import type { Identity } from '../guard/guard.ts'
import type { Clock } from '../shared/clock.ts'
import { encodeEvent, encodeHeartbeat, encodeRetry, type Label } from '../shared/frames.ts'
import type { Access } from '../views/access.ts'
import type { TopicFeed } from '../views/topic-feed.ts'
import type { View } from '../views/view.ts'
import { FollowedView } from './followed-view.ts'
import { Outlet } from './outlet.ts'
import { Session } from './session.ts'
import type { Sink } from './sink.ts'
import type { StreamStart } from './start.ts'
import type { EndReason, OpenStream } from './stream-registry.ts'

export type ShownView = {
  readonly view: View
  readonly access: Access
  readonly label: Label
  readonly start: StreamStart
  /** The number of newest records, if it starts without a position. */
  readonly last: number | undefined
}

export type StreamOptions = {
  readonly shown: readonly ShownView[]
  readonly identity: Identity
  readonly sink: Sink
  readonly limits: Limits
  readonly clock: Clock
  /** The path to which a new token is posted. */
  readonly challengeUrl: (streamId: string) => string
  readonly onEvents: (view: string, count: number) => void
  /** The reason of an end with `fault`. */
  readonly onFault: (error: unknown) => void
  readonly onEnd: (reason: EndReason) => void
}

export class SseStream implements OpenStream {
  readonly id = randomUUID()
  readonly session: Session
  readonly scopes: readonly string[]
  readonly #options: StreamOptions
  readonly #outlet: Outlet
  readonly #views: readonly FollowedView[]
  #ended = false

  constructor(options: StreamOptions) {
    const { identity, clock, limits, sink, shown, onEvents } = options
    this.#options = options
    this.scopes = [...new Set(shown.map(({ view }) => view.route.scope))]
    this.session = new Session({
      identity,
      clock,
      challengeMs: limits.challengeMs,
      onChallenge: (expiresAt) => this.#challenge(expiresAt),
      onExpired: () => this.end('expired'),
    })
    this.#outlet = new Outlet({
      sink,
      bufferBytes: limits.streamBufferBytes,
      patienceMs: limits.slowClientTimeoutMs,
      onSlow: () => this.end('slow'),
    })
    sink.write(encodeRetry(limits.retryMs))
    const outlet = this.#outlet
    this.#views = shown.map(
      (each) =>
        new FollowedView({
          ...each,
          outlet,
          onEvents: (count) => onEvents(each.view.name, count),
          onFault: (error) => this.fail(error),
        }),
    )
    sink.onClose(() => this.#close('client'))
  }

  /** Catches up and goes live. Resolves when every view follows its feed, or the stream has ended. */
  async run(): Promise<void> {
    await Promise.all(this.#views.map((view) => view.run()))
  }

  /** The feed's topic began anew: its views start again without a position. */
  async restart(feed: TopicFeed): Promise<void> {
    await Promise.all(this.#views.filter(({ view }) => view.feed === feed).map((view) => view.restart()))
  }

  heartbeat(positionOf: (view: View) => string): void {
    const beats: Buffer[] = []
    for (const followed of this.#views) {
      const id = followed.eventId(positionOf(followed.view))
      if (id !== undefined) beats.push(encodeHeartbeat(id, followed.label))
    }
    if (beats.length > 0) this.#outlet.write(Buffer.concat(beats))
  }

  bufferedBytes(): number {
    return this.#options.sink.bufferedBytes()
  }

  /** Ends it abruptly, so that the client reconnects and continues from its position. */
  fail(error: unknown): void {
    if (this.#ended) return
    this.#options.onFault(error)
    this.end('fault')
  }

  end(reason: EndReason): void {
    const { sink } = this.#options
    if (this.#ended) return
    if (reason === 'expired') sink.write(encodeEvent({ event: 'expired', data: '{}' }))
    if (reason === 'slow' || reason === 'fault') sink.destroy()
    else sink.end()
    this.#close(reason)
  }

  #close(reason: EndReason): void {
    if (this.#ended) return
    this.#ended = true
    this.session.close()
    for (const view of this.#views) view.end()
    this.#options.onEnd(reason)
  }

  #challenge(expiresAt: number): void {
    const data = JSON.stringify({ url: this.#options.challengeUrl(this.id), streamId: this.id, expiresAt })
    this.#outlet.write(encodeEvent({ event: 'challenge', data }))
  }
}
