/** One call of `send`: it settles once all of its records have. */
import type { KafkaError } from '../errors.ts'
import type { RecordMetadata } from '../types.ts'

export class PendingSend {
  readonly promise: Promise<RecordMetadata[]>
  readonly #results: RecordMetadata[] = []
  readonly #resolve: (results: RecordMetadata[]) => void
  readonly #reject: (error: KafkaError) => void
  #left: number
  #failure: KafkaError | null = null
  /** Whether any record is, or may be, on the log: in that case the whole call is not 'not-written'. */
  #mayBeWritten = false

  constructor(count: number) {
    const { promise, resolve, reject } = Promise.withResolvers<RecordMetadata[]>()
    this.promise = promise
    this.#resolve = resolve
    this.#reject = reject
    this.#left = count
  }

  delivered(index: number, metadata: RecordMetadata): void {
    this.#results[index] = metadata
    this.#mayBeWritten = true
    this.#settleOne()
  }

  failed(error: KafkaError): void {
    this.#failure ??= error
    if (error.outcome !== 'not-written') this.#mayBeWritten = true
    this.#settleOne()
  }

  #settleOne(): void {
    this.#left--
    if (this.#left > 0) return
    const failure = this.#failure
    if (failure === null) this.#resolve(this.#results)
    else if (!this.#mayBeWritten || failure.outcome !== 'not-written') this.#reject(failure)
    else {
      const message = `${failure.message}; other records of the same call were written`
      this.#reject(failure.restated({ message, outcome: 'unknown' }))
    }
  }
}
