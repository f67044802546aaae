/**
 * Every error that this package throws to its users, in one table: stable codes, their meaning, and whether the same
 * call may succeed later. README.md has the same table; a test compares the two.
 */
import { logAwayExitCode } from './exit-code.ts'
import { type ErrorName, errorByCode } from './wire/index.ts'

type Row = { readonly retriable: boolean; readonly meaning: string }

/** For each code: whether the same call may succeed later, and its meaning. */
export const errorTable = {
  KAFKA_UNAVAILABLE: { retriable: true, meaning: 'no broker could be reached within the time allowed' },
  KAFKA_CONNECTION_LOST: { retriable: true, meaning: 'the connection was lost before the response came' },
  KAFKA_TIMEOUT: { retriable: true, meaning: 'the log did not complete the call within the time allowed' },
  KAFKA_BROKER_ERROR: {
    retriable: false,
    meaning: 'the log refused; `brokerError` is its name, and `retriable` is what the protocol says of that error',
  },
  KAFKA_AUTHENTICATION: { retriable: false, meaning: 'the log refused the credentials, or TLS could not be agreed on' },
  KAFKA_UNSUPPORTED_VERSION: {
    retriable: false,
    meaning: 'the log and the client have no version of the request in common',
  },
  KAFKA_QUEUE_FULL: { retriable: true, meaning: "more bytes wait to be sent than the producer's buffer allows" },
  KAFKA_OFFSET_OUT_OF_RANGE: {
    retriable: false,
    meaning: 'the offset was already deleted from the log, or is not yet written',
  },
  KAFKA_CORRUPT_BATCH: { retriable: false, meaning: 'a record batch differs from its checksum or can not be decoded' },
  KAFKA_MALFORMED: {
    retriable: false,
    meaning: 'a request can not be encoded, or a response does not follow the protocol',
  },
  KAFKA_ABORTABLE: { retriable: false, meaning: 'the transaction must be aborted; the next one may succeed' },
  KAFKA_FENCED: { retriable: false, meaning: 'another process took over; this one must stop and restore its state' },
  KAFKA_UNKNOWN_OUTCOME: {
    retriable: false,
    meaning: 'it is not known whether the transaction was committed; stop and restore the state from the log',
  },
  KAFKA_INVALID_STATE: { retriable: false, meaning: 'the call does not fit the state, for example send before begin' },
  KAFKA_INVALID_ARGUMENT: { retriable: false, meaning: 'an option or argument is invalid' },
  KAFKA_CLOSED: { retriable: false, meaning: 'the client was closed' },
} as const satisfies Readonly<Record<string, Row>>

/** The code of an error: stable, for programs. README.md has a table with the meaning of each. */
export type KafkaErrorCode = keyof typeof errorTable

/** Whether the records are surely not on the log, or may be there. */
export type RequestOutcome = 'not-written' | 'unknown'

type Details = { readonly cause?: unknown; readonly retriable?: boolean; readonly outcome?: RequestOutcome }

/** The base of all errors of this package, so that all have `code` and `retriable`. */
export class KafkaError extends Error {
  /** Stable, for programs; the message is for people and may change. */
  readonly code: KafkaErrorCode
  /** Whether the same call may succeed later. */
  readonly retriable: boolean
  /** Only for writes. */
  readonly outcome?: RequestOutcome

  constructor(code: KafkaErrorCode, message: string, details: Details = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = new.target.name
    this.code = code
    this.retriable = details.retriable ?? errorTable[code].retriable
    if (details.outcome !== undefined) this.outcome = details.outcome
  }

  /** The same error, with the same class and members, except for the changed ones; the original is the cause. */
  restated(change: {
    readonly message?: string
    readonly retriable?: boolean
    readonly outcome?: RequestOutcome
  }): this {
    const { message = this.message, ...members } = change
    // Built by the base class, because each class has another constructor; the prototype is set after that.
    const copy = new KafkaError(this.code, message, { cause: this })
    return Object.assign(Object.setPrototypeOf(copy, Object.getPrototypeOf(this)), this, members)
  }
}

/** An error code of the protocol, as the log sent it. */
export class BrokerError extends KafkaError {
  /** The protocol's number; `errors` of `@streampay/kafka/wire` has them all. */
  readonly brokerCode: number
  /** The protocol's name, for example NOT_COORDINATOR. */
  readonly brokerError: ErrorName
  /** The operation that failed, for example "writing to commands-3". */
  readonly what: string

  constructor(brokerCode: number, what: string, details: { cause?: unknown; outcome?: RequestOutcome } = {}) {
    const info = errorByCode(brokerCode)
    super('KAFKA_BROKER_ERROR', `${what}: ${info.message} (${info.name})`, { ...details, retriable: info.retriable })
    this.brokerCode = brokerCode
    this.brokerError = info.name
    this.what = what
  }
}

/** KAFKA_ABORTABLE: the open transaction can't be committed. Abort it, undo its effects in memory, and try again. */
export class AbortableError extends KafkaError {
  constructor(message: string, cause?: unknown) {
    super('KAFKA_ABORTABLE', message, { cause })
  }
}

/**
 * KAFKA_FENCED: another process has taken over the transactional.id or the instance id. This process has to stop, and
 * restore its state from the log.
 */
export class FencedError extends KafkaError {
  constructor(message: string, cause?: unknown) {
    super('KAFKA_FENCED', message, { cause })
  }
}

/**
 * KAFKA_UNKNOWN_OUTCOME: the commit was requested, and its result is not known. The process has to stop, and
 * restore its state from the log.
 */
export class UnknownOutcomeError extends KafkaError {
  constructor(message: string, cause?: unknown) {
    super('KAFKA_UNKNOWN_OUTCOME', message, { cause, outcome: 'unknown' })
  }
}

/** The requested offset lies outside of `earliest`..`latest`, the end included. */
export class OffsetOutOfRangeError extends KafkaError {
  readonly topic: string
  readonly partition: number
  /** The offset that was requested. */
  readonly offset: number
  /** The first offset of the log. */
  readonly earliest: number
  /** The end of the log: the offset of the next record. */
  readonly latest: number

  constructor(at: { topic: string; partition: number; offset: number; earliest: number; latest: number }) {
    const gap =
      at.offset < at.earliest
        ? `offsets ${at.offset} to ${at.earliest - 1} are gone`
        : `the log ends at ${at.latest}, before offset ${at.offset}`
    super('KAFKA_OFFSET_OUT_OF_RANGE', `${at.topic}-${at.partition}: ${gap}`)
    this.topic = at.topic
    this.partition = at.partition
    this.offset = at.offset
    this.earliest = at.earliest
    this.latest = at.latest
  }
}

/** The exit code of a process that ends with this error: 75 if the log is away, so that its parent starts it again; else 1. */
export function exitCodeOf(error: unknown): number {
  return isLogAway(error) ? logAwayExitCode : 1
}

/** Whether the log or the connection to it was away, also as the cause: the same call may succeed when it is back. */
function isLogAway(error: unknown): boolean {
  // The errors of this package decide for themselves: a fenced producer stays fenced, whichever error came before.
  if (!(error instanceof KafkaError)) return error instanceof Error && error.cause !== error && isLogAway(error.cause)
  return error.code === 'KAFKA_UNAVAILABLE' || error.code === 'KAFKA_CONNECTION_LOST' || error.code === 'KAFKA_TIMEOUT'
}
