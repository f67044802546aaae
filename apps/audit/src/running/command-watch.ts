/**
 * INV-3 as a client sees it: every command gets its answer once payments have processed it, and commands with one key are carried out once,
 * even if there are several copies.
 */
import { headerNames } from '@streampay/domain'
import { headerText, type ReceivedRecord } from '@streampay/kafka'
import { acceptedReply } from '../accepted-replies.ts'
import type { Finding, Offsets } from '../cut.ts'
import { boundedMap } from './bounded-map.ts'

type UnansweredCommand = {
  readonly partition: number
  readonly offset: number
  /** The key of one intent of one identity. */
  readonly intent: string
  /** Only payments are answered by the task that reads them: a request's answer comes from another task. */
  readonly isPayment: boolean
}

/** The content of an answer: the id of the transfer that it made, if it made one. */
type Answered = { readonly transferId: string | undefined; readonly record: string }

/** Beyond this number the oldest are dropped: a service may be away for hours. */
const mostWaiting = 200_000
const mostIntents = 200_000
/** Answers whose commands have not been read. */
const mostEarly = 50_000

export class CommandWatch {
  /** Unanswered commands by correlation id. */
  readonly #waiting = boundedMap<string, UnansweredCommand>(mostWaiting)
  /** Answers that were read before their commands, by correlation id: a command may be written and answered between two reads. */
  readonly #early = boundedMap<string, Answered>(mostEarly)
  /** The transfer that each intent made. */
  readonly #intents = boundedMap<string, string>(mostIntents)
  lost = 0
  doubled = 0

  /** Commands without an answer. */
  get waiting(): number {
    return this.#waiting.size
  }

  *addCommand(record: ReceivedRecord): Iterable<Finding> {
    const { partition, offset } = record
    const correlationId = headerText(record.headers, headerNames.correlationId)
    if (correlationId === undefined) return
    const intent = `${headerText(record.headers, headerNames.identity)}\n${headerText(record.headers, headerNames.idempotencyKey)}`
    const isPayment = headerText(record.headers, headerNames.domainModel) === 'PayCommand'
    const answered = this.#early.get(correlationId)
    if (answered === undefined) this.#waiting.set(correlationId, { partition, offset, intent, isPayment })
    else yield* this.#take(intent, answered)
    this.#early.delete(correlationId)
  }

  /** A command that could not be processed gets no answer, so it no longer waits. */
  addDeadLetter(correlationId: string): void {
    this.#waiting.delete(correlationId)
  }

  *addReply(record: ReceivedRecord): Iterable<Finding> {
    const correlationId = record.key?.toString('utf8') ?? ''
    const command = this.#waiting.get(correlationId)
    const answered = {
      transferId: acceptedReply(record)?.value.transferId,
      record: `${record.topic}-${record.partition}@${record.offset}`,
    }
    if (command === undefined) {
      this.#early.set(correlationId, answered)
      return
    }
    this.#waiting.delete(correlationId)
    yield* this.#take(command.intent, answered)
  }

  *#take(intent: string, { transferId, record }: Answered): Iterable<Finding> {
    if (transferId === undefined) return
    const earlier = this.#intents.get(intent)
    if (earlier !== undefined && earlier !== transferId) {
      this.doubled += 1
      const message = `one intent was carried out twice: transfers ${earlier} and ${transferId}`
      yield { invariant: 'INV-3', message, record }
    }
    this.#intents.set(intent, transferId)
  }

  /** @param processed offsets of `commands` that payments had committed before the replies were read */
  *judge(processed: Offsets): Iterable<Finding> {
    for (const [correlationId, { partition, offset, isPayment }] of [...this.#waiting.entries()]) {
      if (!isPayment || offset >= (processed[partition] ?? 0)) continue
      this.#waiting.delete(correlationId)
      this.lost += 1
      const message = `command ${correlationId} was processed and has no reply`
      yield { invariant: 'INV-3', message, record: `commands-${partition}@${offset}` }
    }
  }
}
