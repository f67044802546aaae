/**
 * One view in an open stream:
 *
 *     catching up ──(no record is missing any more)──► live ──► ended
 *          ▲                                             │
 *          └────────────(the topic began anew)───────────┘
 *
 * While it catches up, it reads history from its own position to the feed's, again and again, until the two are equal;
 * only then does it follow the feed, in the same tick. So no records need to be buffered for it meanwhile, and
 * none can be lost or repeated between history and feed.
 */

import { eventIdPrefix, formatOffsets } from '../shared/event-id.ts'
import { encodeEvent, type Label } from '../shared/frames.ts'
import type { Access } from '../views/access.ts'
import { LogUnavailableError } from '../views/value-reader.ts'
import { encodeChange, type Subscriber, type View } from '../views/view.ts'
import type { Change } from '../views/view-record.ts'
import type { Outlet } from './outlet.ts'
import type { ResetReason, StreamStart } from './start.ts'

export type FollowedViewOptions = {
  readonly view: View
  readonly access: Access
  readonly label: Label
  readonly start: StreamStart
  /** The number of newest records, if it starts without a position. */
  readonly last: number | undefined
  readonly outlet: Outlet
  readonly onEvents: (count: number) => void
  readonly onFault: (error: unknown) => void
}

const retryAfterFaultMs = 1_000
const pieceBytes = 64 * 1024

export class FollowedView implements Subscriber {
  readonly view: View
  readonly access: Access
  readonly label: Label
  readonly #options: FollowedViewOptions
  #state: 'catching-up' | 'live' | 'ended' = 'catching-up'
  /** While catching up: the position up to which records have been sent, and the time at which it was the end. */
  #position: { offsets: number[]; time: number } | undefined
  #restarts = 0
  #wake: () => void = () => undefined

  constructor(options: FollowedViewOptions) {
    const { start } = options
    this.#options = options
    this.view = options.view
    this.access = options.access
    this.label = options.label
    if (start.kind === 'reset') this.#reset(start.reason)
    if (start.kind === 'resume') this.#position = { offsets: [...start.offsets], time: start.time }
  }

  /** Catches up and goes live. Resolves when it follows the feed, or has ended. */
  async run(): Promise<void> {
    const { view } = this
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
      this.#write(encodeEvent({ label: this.label, id: view.eventId(), event: 'caught-up', data: '{}' }))
    }
  }

  push(bytes: Buffer, events: number): void {
    if (this.#state !== 'live') return
    this.#write(bytes)
    this.#options.onEvents(events)
  }

  onFault(error: unknown): void {
    this.#options.onFault(error)
  }

  /** The topic began anew: the view starts again without a position. Resolves as `run` does. */
  async restart(): Promise<void> {
    if (this.#state === 'ended') return
    const wasLive = this.#state === 'live'
    this.#state = 'catching-up'
    this.#restarts++
    this.#position = undefined
    this.#reset('other-topic')
    this.#wake()
    if (wasLive) await this.run()
  }

  /** The id of the records sent so far; undefined before any. `ofFeed` is the id of the feed's position. */
  eventId(ofFeed: string): string | undefined {
    if (this.#state === 'live') return ofFeed
    return this.#position === undefined ? undefined : this.#eventIdAt(this.#position)
  }

  end(): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.view.unsubscribe(this)
    this.#wake()
  }

  /** Sends the records between the position and the feed's. False if the log did not return all of them. */
  async #sendHistory(restarts: number): Promise<boolean> {
    const { view, last, outlet } = this.#options
    const from = this.#position
    // The position keeps its old time until all records since then have been sent, deletions included.
    const time = from?.time ?? view.feed.caughtUpAt
    // A restart may happen while a batch is fetched or sent: that batch then belongs to the old topic.
    const isWanted = () => this.#state === 'catching-up' && restarts === this.#restarts
    try {
      const history = await view.history(this.access, {
        from: from?.offsets,
        last: from === undefined ? last : undefined,
      })
      if (!isWanted()) return false
      const position = { offsets: [...history.from], time }
      this.#position = { offsets: [...history.from], time }
      for await (const batch of history.batches()) {
        for (const piece of this.#piecesOf(batch, position)) {
          const taken = await outlet.send(() => {
            if (!isWanted()) return undefined
            // From here on a heartbeat may name the position, because it is written behind its records.
            this.#position = { offsets: piece.offsets, time }
            return piece.bytes
          })
          if (!taken || !isWanted()) return false
          this.#options.onEvents(piece.events)
        }
      }
      if (!isWanted()) return false
      this.#position = { offsets: [...history.upTo], time }
      return true
    } catch (error) {
      if (!(error instanceof LogUnavailableError)) throw error
      await this.#pause(retryAfterFaultMs)
      return false
    }
  }

  /** Pieces of whole events, each small enough to be taken within the time limit, with the offsets behind each. */
  *#piecesOf(
    batch: readonly Change[],
    position: { readonly offsets: number[]; readonly time: number },
  ): Iterable<{ readonly bytes: Buffer; readonly events: number; readonly offsets: number[] }> {
    let frames: Buffer[] = []
    let bytes = 0
    for (const [index, change] of batch.entries()) {
      position.offsets[change.record.partition] = change.record.offset + 1
      const frame = encodeChange(change, this.#eventIdAt(position), this.label)
      frames.push(frame)
      bytes += frame.length
      if (bytes < pieceBytes && index < batch.length - 1) continue
      yield { bytes: Buffer.concat(frames), events: frames.length, offsets: [...position.offsets] }
      frames = []
      bytes = 0
    }
  }

  #write(bytes: Buffer): void {
    this.#options.outlet.write(bytes)
  }

  #reset(reason: ResetReason): void {
    this.#write(encodeEvent({ label: this.label, event: 'reset', data: JSON.stringify({ reason }) }))
  }

  #eventIdAt({ offsets, time }: { readonly offsets: readonly number[]; readonly time: number }): string {
    const { view } = this
    return eventIdPrefix({ view: view.name, topicId: view.feed.topicId, time }) + formatOffsets(offsets)
  }

  /** Ends early if the stream ends. */
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
