/**
 * Every reply of the last ten minutes, and the requests that wait for one. Each gateway reads all of the reply topic, so
 * that a client may ask any of them.
 */
import type { ReceivedRecord } from '@streampay/kafka'
import type { FastifyBaseLogger } from 'fastify'
import type { Clock } from '../clock.ts'
import type { HeaderNames } from '../definition/definition.ts'
import { timeOfCorrelationId } from './correlation-id.ts'

export type CommandReply = {
  readonly identity: string
  readonly status: number
  readonly contentType: string
  readonly idempotencyKey: string | undefined
  readonly replayed: boolean
  /** JSON text. */
  readonly body: string
}

/** How long after a request its reply may be asked for, and may still be called pending. */
export const replyWindowMs = 10 * 60_000

/** What a reply costs besides its texts, roughly. */
const overheadBytes = 300

export type RepliesOptions = {
  readonly headers: HeaderNames
  readonly maxBytes: number
  readonly clock: Clock
  readonly logger: FastifyBaseLogger
}

type Waiting = { readonly identity: string; readonly resolve: (reply: CommandReply | undefined) => void }

export class Replies {
  readonly #options: RepliesOptions
  /** Oldest first. */
  readonly #kept = new Map<string, { readonly reply: CommandReply; readonly at: number }>()
  readonly #waiting = new Map<string, Waiting>()
  #bytes = 0
  /** Replies to requests of before this time may have been dropped to stay within the bound. */
  #completeSince = 0

  constructor(options: RepliesOptions) {
    this.#options = options
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** Undefined if none has come (yet) for this identity. */
  get(correlationId: string, identity: string): CommandReply | undefined {
    const reply = this.#kept.get(correlationId)?.reply
    return reply?.identity === identity ? reply : undefined
  }

  /** Whether a reply to a request of this time would still be here, had it come. */
  isComplete(requestTime: number): boolean {
    return requestTime >= this.#completeSince
  }

  /** Resolves with the reply, or undefined when given up. */
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
    const correlationId = headerOf(record, headers.correlationId)
    const reply = replyOf(record, headers)
    if (correlationId === undefined || reply === undefined) {
      const { topic, partition, offset } = record
      logger.warn({ topic, partition, offset }, 'a reply without correlation id, identity or status is passed over')
      return
    }
    this.#keep(correlationId, reply, record.timestamp)
    const waiting = this.#waiting.get(correlationId)
    // A reply for somebody else is nobody's answer (INV-6).
    if (waiting?.identity !== reply.identity) return
    this.#waiting.delete(correlationId)
    waiting.resolve(reply)
  }

  /** Nobody waits any more. */
  close(): void {
    for (const { resolve } of this.#waiting.values()) resolve(undefined)
    this.#waiting.clear()
  }

  clear(): void {
    this.#kept.clear()
    this.#bytes = 0
  }

  #keep(correlationId: string, reply: CommandReply, at: number): void {
    const former = this.#kept.get(correlationId)
    if (former !== undefined) this.#drop(correlationId, former.reply)
    this.#kept.set(correlationId, { reply, at })
    this.#bytes += bytesOf(reply)
    const expired = this.#options.clock.now() - replyWindowMs
    for (const [oldest, kept] of this.#kept) {
      const tooMany = this.#bytes > this.#options.maxBytes
      if (!tooMany && kept.at >= expired) break
      if (tooMany) this.#completeSince = Math.max(this.#completeSince, timeOfCorrelationId(oldest) ?? 0)
      this.#drop(oldest, kept.reply)
    }
  }

  #drop(correlationId: string, reply: CommandReply): void {
    this.#kept.delete(correlationId)
    this.#bytes -= bytesOf(reply)
  }
}

/** Undefined if it is not a reply that could be given to anybody. */
export function replyOf(record: ReceivedRecord, names: HeaderNames): CommandReply | undefined {
  const identity = headerOf(record, names.identity)
  const status = Number(headerOf(record, names.status))
  if (identity === undefined || !Number.isInteger(status) || status < 200 || status > 599) return undefined
  return {
    identity,
    status,
    contentType: headerOf(record, names.contentType) ?? 'application/json',
    idempotencyKey: headerOf(record, names.idempotencyKey),
    replayed: headerOf(record, names.replayed) === 'true',
    body: record.value?.toString('utf8') ?? '',
  }
}

export function headerOf(record: ReceivedRecord, name: string): string | undefined {
  return record.headers.findLast(([header]) => header === name)?.[1]?.toString('utf8')
}

function bytesOf(reply: CommandReply): number {
  return overheadBytes + reply.body.length
}
