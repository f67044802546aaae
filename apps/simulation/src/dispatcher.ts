import { KafkaError, type Producer, type RecordToSend } from '@streampay/kafka'
import { commandRecord, registrationRecord } from './commands.ts'
import type { Answer, CommandIntent, Intent } from './crowd.ts'

export type DispatcherOptions = {
  readonly producer: Pick<Producer, 'send'>
  /** A new correlation id. */
  readonly newId: () => string
  /** The trace context of a command of this person. */
  readonly newTraceparent: (identity: string) => string
  /** The prefix of every idempotency key; it differs from one start to the next. */
  readonly keyPrefix: string
  /** Called once for each intent with its outcome, and the time since its first attempt, in ms. */
  readonly onAnswer: (intent: Intent, answer: Answer, tookMs: number) => void
}

type Flight = {
  readonly intent: CommandIntent
  readonly idempotencyKey: string
  /** On the world's clock. */
  readonly startedAt: number
  attempts: number
  /** On the world's clock. */
  deadline: number
}

// At most this many intents are under way; the others wait in the crowd's timetable.
const maxInFlight = 200
const replyTimeoutMs = 15_000
const maxAttempts = 4
const backOffMs = { first: 500, max: 30_000 }

/**
 * Sends intents as commands and waits for their replies, a bounded number at a time. A command without an answer in time, or with a 503, is
 * sent again with the same idempotency key: the ledger carries it out once. While the log or the payments service is away, no new commands
 * are sent.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions
  /** By the correlation id of the latest attempt. */
  readonly #flights = new Map<string, Flight>()
  #sequence = 0
  #waitUntil = 0
  #waitMs = 0

  constructor(options: DispatcherOptions) {
    this.#options = options
  }

  /** How many more intents may be sent now. */
  capacity(now: number): number {
    return now < this.#waitUntil ? 0 : Math.max(0, maxInFlight - this.#flights.size)
  }

  get inFlight(): number {
    return this.#flights.size
  }

  send(intent: Intent, now: number): void {
    if (intent.type === 'register') {
      const onFailure = () => this.#options.onAnswer(intent, 'none', 0)
      this.#produce({ record: registrationRecord(intent), now, onFailure })
      return
    }
    this.#sequence += 1
    const idempotencyKey = `${this.#options.keyPrefix}-${this.#sequence}`
    const flight = { intent, idempotencyKey, startedAt: now, attempts: 0, deadline: 0 }
    this.#attempt(flight, now)
  }

  /** Takes a reply from the log; replies to other clients are ignored. */
  onReply(correlationId: string, reply: { status: number; body: unknown }, now: number): void {
    const flight = this.#flights.get(correlationId)
    if (flight === undefined) return
    if (reply.status === 503) {
      // It stays among the commands under way and is sent again once its shortened deadline has passed.
      this.#backOff(now)
      flight.deadline = Math.min(flight.deadline, this.#waitUntil)
      return
    }
    this.#waitMs = 0
    this.#flights.delete(correlationId)
    this.#options.onAnswer(flight.intent, reply, now - flight.startedAt)
  }

  /** Sends commands again that were not answered in time; call it regularly. */
  tick(now: number): void {
    if (now < this.#waitUntil) return
    for (const [correlationId, flight] of this.#flights) {
      if (flight.deadline > now) continue
      this.#flights.delete(correlationId)
      if (flight.attempts >= maxAttempts) this.#options.onAnswer(flight.intent, 'none', now - flight.startedAt)
      else this.#attempt(flight, now)
    }
  }

  #attempt(flight: Flight, now: number): void {
    const correlationId = this.#options.newId()
    flight.attempts += 1
    flight.deadline = now + replyTimeoutMs
    this.#flights.set(correlationId, flight)
    const { newTraceparent } = this.#options
    const record = commandRecord(flight.intent, {
      correlationId,
      idempotencyKey: flight.idempotencyKey,
      newTraceparent,
    })
    this.#produce({ record, now })
  }

  /**
   * A command that was perhaps not written needs no other handling: its deadline passes and it is sent again. Only the pause is decided
   * here. Any error other than one of the log is a bug and ends the process.
   */
  #produce({ record, now, onFailure }: { record: RecordToSend; now: number; onFailure?: () => void }): void {
    this.#options.producer.send([record]).catch((error: unknown) => {
      if (!(error instanceof KafkaError)) throw error
      this.#backOff(now)
      onFailure?.()
    })
  }

  /** Several refusals within one pause count once. */
  #backOff(now: number): void {
    if (now < this.#waitUntil) return
    this.#waitMs = Math.min(backOffMs.max, Math.max(backOffMs.first, this.#waitMs * 2))
    this.#waitUntil = now + this.#waitMs
  }
}
