/**
 * Every reply of the last ten minutes, and the requests that wait for one. Each gateway reads the whole reply topic, so
 * that a client may ask any gateway.
 */
import { headerText, type ReceivedRecord } from '@streampay/kafka'
import { moments, tellMoment } from '@streampay/process'
import type { FastifyBaseLogger } from 'fastify'
import { LRUCache } from 'lru-cache'
import type { HeaderNames } from '../definition/definition.ts'
import type { Clock } from '../shared/clock.ts'
import { timeOfCorrelationId } from './correlation-id.ts'

export type CommandReply = {
  readonly identity: string
  readonly status: number
  readonly contentType: string
  readonly idempotencyKey: string | undefined
  readonly replayed: boolean
  /** Whole seconds. */
  readonly retryAfter: string | undefined
  /** JSON text, sent to the client unchanged. Not a buffer: a piece of pooled memory would keep its whole pool in memory. */
  readonly body: string
}

/** How long after a request its reply is available, or counts as pending. */
export const replyWindowMs = 10 * 60_000

/** A request may have its id from another gateway, whose clock is ahead by at most this time. */
const clocksDifferMs = 60_000

/** The approximate memory of a reply beside its texts. */
const overheadBytes = 300

export type RepliesOptions = {
  readonly headers: HeaderNames
  readonly maxBytes: number
  readonly clock: Clock
  readonly logger: FastifyBaseLogger
}

type Kept = { readonly reply: CommandReply; readonly at: number }
type WaitingRequest = { readonly identity: string; readonly resolve: (reply: CommandReply | undefined) => void }

export class Replies {
  readonly #options: RepliesOptions
  /** In order of arrival, because reads don't change it. (A Map's front is slow to find: views/value-cache.ts.) */
  readonly #kept: LRUCache<string, Kept>
  readonly #waiting = new Map<string, WaitingRequest>()
  /** Replies to requests of this time and before may have been dropped because of the limit. */
  #droppedUpTo = 0
  /** Replies to requests of this time and before may not have been read yet. */
  #unreadUpTo = 0

  constructor(options: RepliesOptions) {
    this.#options = options
    this.#kept = new LRUCache({
      maxSize: options.maxBytes,
      sizeCalculation: ({ reply }) => overheadBytes + reply.body.length,
      dispose: (_kept, correlationId, reason) => {
        if (reason === 'evict') this.#dropped(correlationId)
      },
    })
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** Undefined if none has come (yet) for this identity. */
  get(correlationId: string, identity: string): CommandReply | undefined {
    const reply = this.#kept.peek(correlationId)?.reply
    return reply?.identity === identity ? reply : undefined
  }

  /** Whether a reply to a request of this time would still be in memory, if it had come. */
  isComplete(requestTime: number): boolean {
    return requestTime > Math.max(this.#droppedUpTo, this.#unreadUpTo)
  }

  /** Replies to requests before this time are read later. */
  awaitEarlier(time: number): void {
    this.#unreadUpTo = time + clocksDifferMs
  }

  /** The earlier replies are read. */
  haveEarlier(): void {
    this.#unreadUpTo = 0
  }

  /** Resolves with the reply, or undefined if the wait is ended. */
  expect(correlationId: string, identity: string): { reply: Promise<CommandReply | undefined>; giveUp: () => void } {
    const { promise, resolve } = Promise.withResolvers<CommandReply | undefined>()
    this.#waiting.set(correlationId, { identity, resolve })
    const giveUp = () => {
      this.#waiting.delete(correlationId)
      resolve(undefined)
    }
    return { reply: promise, giveUp }
  }

  onRecord(record: ReceivedRecord): void {
    const { headers, logger } = this.#options
    const correlationId = headerText(record.headers, headers.correlationId)
    const reply = replyOf(record, headers)
    if (correlationId === undefined || reply === undefined) {
      const { topic, partition, offset } = record
      logger.warn({ topic, partition, offset }, 'a reply without correlation id, identity or status is skipped')
      return
    }
    this.#keep(correlationId, reply, record.timestamp)
    const waiting = this.#waiting.get(correlationId)
    // A reply for another identity is treated as no reply (INV-6).
    if (waiting?.identity !== reply.identity) return
    this.#waiting.delete(correlationId)
    if (moments.hasSubscribers) tellMoment({ step: 'replied', id: correlationId })
    waiting.resolve(reply)
  }

  /** Ends all waits. */
  close(): void {
    for (const { resolve } of this.#waiting.values()) resolve(undefined)
    this.#waiting.clear()
  }

  clear(): void {
    this.#kept.clear()
  }

  #keep(correlationId: string, reply: CommandReply, at: number): void {
    this.#kept.set(correlationId, { reply, at })
    // A reply that is larger than the whole limit is not kept.
    if (!this.#kept.has(correlationId)) this.#dropped(correlationId)
    const expired = this.#options.clock.now() - replyWindowMs
    for (const oldest of this.#kept.rkeys()) {
      if ((this.#kept.peek(oldest)?.at ?? 0) >= expired) break
      this.#kept.delete(oldest)
    }
  }

  #dropped(correlationId: string): void {
    this.#droppedUpTo = Math.max(this.#droppedUpTo, timeOfCorrelationId(correlationId) ?? 0)
  }
}

/** Undefined if it is not a valid reply. */
export function replyOf(record: ReceivedRecord, names: HeaderNames): CommandReply | undefined {
  // Until all writers have this release, some use the header names of commands.
  const identity = headerText(record.headers, names.replyIdentity) ?? headerText(record.headers, names.identity)
  const retryAfter = headerText(record.headers, names.retryAfter)
  const status = Number(headerText(record.headers, names.status))
  if (identity === undefined || !Number.isInteger(status) || status < 200 || status > 599) return undefined
  return {
    identity,
    status,
    contentType: headerText(record.headers, names.contentType) ?? 'application/json',
    idempotencyKey: headerText(record.headers, names.idempotencyKey),
    replayed: headerText(record.headers, names.replayed) === 'true',
    retryAfter: /^[0-9]{1,9}$/.test(retryAfter ?? '') ? retryAfter : undefined,
    body: record.value?.toString('utf8') ?? '',
  }
}
