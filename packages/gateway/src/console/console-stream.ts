/** A live stream of any topic's records, read for one operator alone, no faster than the operator takes them. */
import { randomUUID } from 'node:crypto'
import { OffsetOutOfRangeError, type Reader } from '@streampay/kafka'
import type { Limits } from '../definition/definition.ts'
import type { Identity } from '../guard/guard.ts'
import type { Clock } from '../shared/clock.ts'
import { formatEventId } from '../shared/event-id.ts'
import { encodeEvent, encodeHeartbeat, encodeRetry } from '../shared/frames.ts'
import { Session } from '../sse/session.ts'
import type { Sink } from '../sse/sink.ts'
import type { EndReason, OpenStream } from '../sse/stream-hub.ts'
import { consoleRecordsOf } from './console-record.ts'
import { consoleView, type TopicPosition } from './topic-position.ts'

export type ConsoleStreamOptions = {
  readonly topic: string
  readonly position: TopicPosition
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
  #ended = false

  constructor(options: ConsoleStreamOptions) {
    const { identity, clock, limits, sink, position, topic, reader } = options
    this.#options = options
    this.#offsets = [...position.offsets]
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
    reader.assign(position.partitions.map((partition) => ({ topic, partition, offset: this.#offsets[partition] ?? 0 })))
  }

  /** Resolves when the stream has ended. */
  async run(): Promise<void> {
    const { reader, sink, limits } = this.#options
    while (!this.#ended) {
      try {
        for (const fetched of await reader.poll({ timeoutMs: pollTimeoutMs })) {
          const frames = consoleRecordsOf(fetched).map((record) => {
            this.#offsets[record.partition] = (record.undecodable?.lastOffset ?? record.offset) + 1
            return encodeEvent({ id: this.#eventId(), data: JSON.stringify(record) })
          })
          this.#offsets[fetched.partition] = fetched.position
          if (frames.length > 0) sink.write(Buffer.concat(frames))
        }
      } catch (error) {
        if (!(error instanceof OffsetOutOfRangeError)) throw error
        sink.write(encodeEvent({ event: 'reset', data: JSON.stringify({ reason: 'below-log-start' }) }))
        reader.seek({ topic: error.topic, partition: error.partition, offset: error.earliest })
      }
      if (!(await sink.drained(limits.slowClientTimeoutMs))) this.end('slow')
    }
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
