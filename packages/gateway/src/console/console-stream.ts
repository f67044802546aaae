/** A live stream of any topic's records, read for one operator only, no faster than the operator's client takes them. */
import { randomUUID } from 'node:crypto'
import { OffsetOutOfRangeError, type Reader } from '@streampay/kafka'
import type { Limits } from '../definition/definition.ts'
import type { Identity } from '../guard/guard.ts'
import type { Clock } from '../shared/clock.ts'
import { formatEventId } from '../shared/event-id.ts'
import { encodeEvent, encodeHeartbeat, encodeRetry } from '../shared/frames.ts'
import { Session } from '../sse/session.ts'
import type { Sink } from '../sse/sink.ts'
import type { EndReason, OpenStream } from '../sse/stream-registry.ts'
import { type ConsoleRecord, consoleRecordsOf } from './console-record.ts'
import { readNewest } from './read-newest.ts'
import { consoleView, type TopicPosition } from './topic-position.ts'

export type ConsoleStreamOptions = {
  readonly topic: string
  readonly position: TopicPosition
  /** The size of the newest records' values, which are in memory at once. */
  readonly mostBytes: number
  readonly reader: Reader
  readonly sink: Sink
  readonly identity: Identity
  readonly scope: string
  readonly limits: Limits
  readonly clock: Clock
  readonly challengeUrl: (streamId: string) => string
  readonly onEnd: (reason: EndReason) => void
}

const pollTimeoutMs = 1_000

export class ConsoleStream implements OpenStream {
  readonly id = randomUUID()
  readonly session: Session
  readonly scopes: readonly string[]
  readonly #options: ConsoleStreamOptions
  readonly #offsets: number[]
  #isCaughtUp = false
  #ended = false

  constructor(options: ConsoleStreamOptions) {
    const { identity, clock, limits, sink, position } = options
    this.#options = options
    this.#offsets = [...(position.newest === undefined ? position.offsets : position.ends)]
    this.scopes = [options.scope]
    this.session = new Session({
      identity,
      clock,
      challengeMs: limits.challengeMs,
      onChallenge: (expiresAt) => {
        const data = JSON.stringify({ url: options.challengeUrl(this.id), streamId: this.id, expiresAt })
        sink.write(encodeEvent({ event: 'challenge', data }))
      },
      onExpired: () => this.end('expired'),
    })
    sink.onClose(() => this.#close('client'))
    sink.write(encodeRetry(limits.retryMs))
    if (position.reset !== undefined)
      sink.write(encodeEvent({ event: 'reset', data: JSON.stringify({ reason: position.reset }) }))
  }

  /** Resolves when the stream has ended. */
  async run(): Promise<void> {
    const { reader, sink, limits, position, topic } = this.#options
    if (position.newest !== undefined) await this.#showNewest(position.newest)
    reader.assign(position.partitions.map((partition) => ({ topic, partition, offset: this.#offsets[partition] ?? 0 })))
    while (!this.#ended) {
      this.#tellCaughtUp()
      try {
        for (const fetched of await reader.poll({ timeoutMs: pollTimeoutMs })) {
          this.#show(consoleRecordsOf(fetched))
          this.#offsets[fetched.partition] = fetched.position
        }
      } catch (error) {
        if (!(error instanceof OffsetOutOfRangeError)) throw error
        sink.write(encodeEvent({ event: 'reset', data: JSON.stringify({ reason: 'below-log-start' }) }))
        reader.seek({ topic: error.topic, partition: error.partition, offset: error.earliest })
        this.#offsets[error.partition] = error.earliest
      }
      if (!(await sink.drained(limits.slowClientTimeoutMs))) this.end('slow')
    }
  }

  async #showNewest(count: number): Promise<void> {
    const { reader, topic, position, mostBytes } = this.#options
    const records = await readNewest(reader, { topic, position, count, mostBytes })
    if (this.#ended) return
    // A client that continues from one of them has not seen the records behind it.
    for (const { partition, offset } of records.toReversed()) this.#offsets[partition] = offset
    this.#show(records)
    for (const partition of position.partitions) this.#offsets[partition] = position.ends[partition] ?? 0
  }

  #show(records: readonly ConsoleRecord[]): void {
    const frames = records.map((record) => {
      this.#offsets[record.partition] = (record.undecodable?.lastOffset ?? record.offset) + 1
      return encodeEvent({ id: this.#eventId(), data: JSON.stringify(record) })
    })
    if (frames.length > 0) this.#options.sink.write(Buffer.concat(frames))
  }

  /** Sent once, after all records that were there at the start: later ones are new. */
  #tellCaughtUp(): void {
    const { position, sink } = this.#options
    if (this.#isCaughtUp) return
    this.#isCaughtUp = position.partitions.every(
      (partition) => (this.#offsets[partition] ?? 0) >= (position.ends[partition] ?? 0),
    )
    if (this.#isCaughtUp) sink.write(encodeEvent({ id: this.#eventId(), event: 'caught-up', data: '{}' }))
  }

  heartbeat(): void {
    this.#options.sink.write(encodeHeartbeat(this.#eventId()))
  }

  bufferedBytes(): number {
    return this.#options.sink.bufferedBytes()
  }

  /** It follows no view. */
  async restart(): Promise<void> {}

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
    this.#options.reader.close().catch(() => undefined)
    this.#options.onEnd(reason)
  }

  #eventId(): string {
    const { position, clock } = this.#options
    return formatEventId({ view: consoleView, topicId: position.topicId, time: clock.now(), offsets: this.#offsets })
  }
}
