/**
 * One open stream of a view:
 *
 *     catching up ──(nothing is missing any more)──► live ──► ended
 *          ▲                                           │
 *          └───────────(the topic began anew)──────────┘
 *
 * While it catches up, it takes history from its own position to the feed's, again and again, until there is nothing in
 * between; only then does it follow the feed, in the same tick. So nothing needs to be held back for it meanwhile, and
 * nothing can be lost or repeated in the gap.
 */
import { randomUUID } from 'node:crypto'
import type { Clock } from '../clock.ts'
import type { Limits } from '../definition/definition.ts'
import type { Identity } from '../guard/guard.ts'
import type { Lens } from '../views/lens.ts'
import { LogUnavailableError } from '../views/value-reader.ts'
import { encodeChange, type Subscriber, type View } from '../views/view.ts'
import type { Change } from '../views/view-record.ts'
import { eventIdPrefix, formatOffsets } from './event-id.ts'
import { encodeEvent, encodeHeartbeat, encodeRetry } from './frames.ts'
import { Session } from './session.ts'
import type { Sink } from './sink.ts'
import type { ResetReason, StreamStart } from './start.ts'

export type EndReason = 'client' | 'slow' | 'expired' | 'drain' | 'fault'

export type StreamOptions = {
  readonly view: View
  readonly lens: Lens
  readonly identity: Identity
  readonly sink: Sink
  readonly start: StreamStart
  /** Of the newest records, when it starts from nothing. */
  readonly last: number | undefined
  readonly limits: Limits
  readonly clock: Clock
  /** Where a new token is posted. */
  readonly challengeUrl: (streamId: string) => string
  readonly onEvents: (count: number) => void
  readonly onEnd: (reason: EndReason) => void
}

const retryAfterFaultMs = 1_000
const pieceBytes = 64 * 1024

export class SseStream implements Subscriber {
  readonly id = randomUUID()
  readonly lens: Lens
  readonly session: Session
  readonly #options: StreamOptions
  #state: 'catching-up' | 'live' | 'ended' = 'catching-up'
  /** While catching up: what has been sent, and the time at which it was all there was. */
  #position: { offsets: number[]; time: number } | undefined
  #restarts = 0
  #wake: () => void = () => undefined

  constructor(options: StreamOptions) {
    const { identity, clock, limits, sink, start } = options
    this.#options = options
    this.lens = options.lens
    this.session = new Session({
      identity,
      clock,
      challengeMs: limits.challengeMs,
      onChallenge: (expiresAt) => this.#challenge(expiresAt),
      onExpired: () => this.end('expired'),
    })
    sink.onClose(() => this.#ended('client'))
    sink.write(encodeRetry(limits.retryMs))
    if (start.kind === 'reset') this.#reset(start.reason)
    if (start.kind === 'resume') this.#position = { offsets: [...start.offsets], time: start.time }
  }

  /** Catches up and goes live. Resolves when it follows the feed, or has ended. */
  async run(): Promise<void> {
    const { view } = this.#options
    while (this.#state === 'catching-up') {
      const restarts = this.#restarts
      const complete = await this.#sendHistory(restarts)
      if (this.#state !== 'catching-up') return
      const reached = this.#position?.offsets.every(
        (offset, partition) => offset >= (view.feed.positions[partition] ?? 0),
      )
      if (!complete || restarts !== this.#restarts || reached !== true) continue
      this.#state = 'live'
      view.subscribe(this)
      this.#write(encodeEvent({ id: view.eventId(), event: 'caught-up', data: '{}' }))
    }
  }

  push(bytes: Buffer, events: number): void {
    if (this.#state !== 'live') return
    this.#write(bytes)
    this.#options.onEvents(events)
  }

  /** The topic began anew: start again from nothing. */
  restart(): void {
    if (this.#state === 'ended') return
    const wasLive = this.#state === 'live'
    this.#state = 'catching-up'
    this.#restarts++
    this.#position = undefined
    this.#reset('other-topic')
    this.#wake()
    if (wasLive) this.run().catch(() => this.end('fault'))
  }

  /** The heartbeat of a live stream is the same for all of the view. */
  heartbeat(ofView: Buffer): void {
    if (this.#state === 'live') this.#write(ofView)
    else if (this.#position !== undefined) this.#write(encodeHeartbeat(this.#eventId(this.#position)))
  }

  bufferedBytes(): number {
    return this.#options.sink.bufferedBytes()
  }

  get view(): View {
    return this.#options.view
  }

  get scope(): string {
    return this.#options.view.route.scope
  }

  end(reason: EndReason): void {
    const { sink } = this.#options
    if (this.#state === 'ended') return
    if (reason === 'expired') sink.write(encodeEvent({ event: 'expired', data: '{}' }))
    if (reason === 'slow' || reason === 'fault') sink.destroy()
    else sink.end()
    this.#ended(reason)
  }

  #ended(reason: EndReason): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.session.close()
    this.#options.view.unsubscribe(this)
    this.#wake()
    this.#options.onEnd(reason)
  }

  /** Sends what lies between the position and the feed's. False if the log could not give all of it. */
  async #sendHistory(restarts: number): Promise<boolean> {
    const { view, last, sink, limits } = this.#options
    const from = this.#position
    // The time of the position stays the old one until everything since then has been told, deletions included.
    const time = from?.time ?? view.feed.caughtUpAt
    try {
      const history = await view.history(this.lens, {
        from: from?.offsets,
        last: from === undefined ? last : undefined,
      })
      if (this.#isOver(restarts)) return false
      const position = { offsets: [...history.from], time }
      this.#position = position
      for await (const batch of history.batches()) {
        for (const frames of this.#framesOf(batch, position)) {
          // A restart may happen while a batch is fetched or sent: it is of a topic that is no more.
          if (this.#isOver(restarts)) return false
          sink.write(frames)
          if (!(await sink.drained(limits.slowClientTimeoutMs))) this.end('slow')
        }
      }
      if (this.#isOver(restarts)) return false
      this.#position = { offsets: [...history.upTo], time }
      return true
    } catch (error) {
      if (!(error instanceof LogUnavailableError)) throw error
      await this.#pause(retryAfterFaultMs)
      return false
    }
  }

  /** Whether what is being sent is no longer wanted. */
  #isOver(restarts: number): boolean {
    return this.#state !== 'catching-up' || restarts !== this.#restarts
  }

  /** Pieces of whole events, each small enough to be taken in reasonable time. The position moves with what is taken. */
  *#framesOf(batch: readonly Change[], position: { offsets: number[]; time: number }): Iterable<Buffer> {
    let frames: Buffer[] = []
    let bytes = 0
    for (const [index, change] of batch.entries()) {
      position.offsets[change.record.partition] = change.record.offset + 1
      const frame = encodeChange(change, this.#eventId(position))
      frames.push(frame)
      bytes += frame.length
      if (bytes < pieceBytes && index < batch.length - 1) continue
      yield Buffer.concat(frames)
      this.#options.onEvents(frames.length)
      frames = []
      bytes = 0
    }
  }

  #write(bytes: Buffer): void {
    const { sink, limits } = this.#options
    // What piled up before counts, not what is written now: a burst is no fault of the client.
    if (this.#state === 'live' && sink.bufferedBytes() > limits.streamBufferBytes) this.end('slow')
    else sink.write(bytes)
  }

  #reset(reason: ResetReason): void {
    this.#options.sink.write(encodeEvent({ event: 'reset', data: JSON.stringify({ reason }) }))
  }

  #challenge(expiresAt: number): void {
    const data = JSON.stringify({ url: this.#options.challengeUrl(this.id), streamId: this.id, expiresAt })
    this.#write(encodeEvent({ event: 'challenge', data }))
  }

  #eventId({ offsets, time }: { readonly offsets: readonly number[]; readonly time: number }): string {
    const { view } = this.#options
    return eventIdPrefix({ view: view.name, topicId: view.feed.topicId, time }) + formatOffsets(offsets)
  }

  /** Ends early when the stream does. */
  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
