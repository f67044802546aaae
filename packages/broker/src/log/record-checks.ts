/**
 * The topic's conditions for each record: a key if it is compacted, a time within its window. All invalid records
 * are named, so that a producer can leave them out and send the others again (KIP-467).
 */
import { errors } from '@streampay/kafka/wire'
import type { LogSettings } from '../topics/topic-config.ts'
import { ApiError, type RecordError } from './api-error.ts'

/** The largest number of records in an answer; further ones are invalid, too, and the next attempt reports them. */
const maxRecordErrors = 1000
const noTimestamp = -1

export class RecordChecks {
  readonly #settings: LogSettings
  readonly #now: number
  readonly #base: number
  readonly #errors: RecordError[] = []
  #untimely = false
  maxTimestamp = noTimestamp

  constructor(of: { readonly settings: LogSettings; readonly now: number; readonly baseTimestamp: number }) {
    this.#settings = of.settings
    this.#now = of.now
    this.#base = of.baseTimestamp
  }

  readonly visit = (index: number, timestampDelta: number, hasKey: boolean): void => {
    const timestamp = this.#base + timestampDelta
    if (timestamp > this.maxTimestamp || index === 0) this.maxTimestamp = timestamp
    if (this.#settings.compact && !hasKey) this.#add(index, 'A compacted topic takes no records without a key')
    const problem = this.#problemOf(timestamp, timestampDelta)
    if (problem === undefined) return
    this.#untimely = true
    this.#add(index, problem)
  }

  /** @throws ApiError INVALID_RECORD, INVALID_TIMESTAMP if only the time of one record is invalid, with the invalid records */
  close(): void {
    const [first] = this.#errors
    if (first === undefined) return
    const code = this.#untimely ? errors.INVALID_TIMESTAMP : errors.INVALID_RECORD
    throw new ApiError(code, `Record ${first.index} of the batch: ${first.message}`, { recordErrors: this.#errors })
  }

  #problemOf(timestamp: number, delta: number): string | undefined {
    const { logAppendTime, timestampAfterMaxMs, timestampBeforeMaxMs } = this.#settings
    if (!Number.isSafeInteger(timestamp) || !Number.isSafeInteger(delta)) return 'The timestamp is out of range'
    if (logAppendTime || timestamp === noTimestamp) return undefined
    if (timestamp - this.#now > timestampAfterMaxMs) {
      const limit = `message.timestamp.after.max.ms is ${timestampAfterMaxMs}`
      return `The timestamp ${timestamp} is ${timestamp - this.#now} ms ahead; ${limit}`
    }
    if (this.#now - timestamp > timestampBeforeMaxMs) {
      const limit = `message.timestamp.before.max.ms is ${timestampBeforeMaxMs}`
      return `The timestamp ${timestamp} is ${this.#now - timestamp} ms old; ${limit}`
    }
    return undefined
  }

  #add(index: number, message: string): void {
    if (this.#errors.length < maxRecordErrors) this.#errors.push({ index, message })
  }
}
