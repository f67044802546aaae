/**
 * A partition's state of the producers that write to it: their epoch, their last five batches (so that a repeated
 * batch is recognized and answered with its first offset), and their open transaction. Sequence numbers run from 0 to
 * 2^31-1 and then start over. Source: KIP-98, and KIP-360 for an epoch that begins anew.
 */

import { errors } from '@streampay/kafka/wire'
import { ApiError } from './api-error.ts'
import type { ActiveProducer, TransactionMarker } from './types.ts'

/** The header fields that are needed here; -1 for a producer that is not idempotent. */
export type ProducedBatch = {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly recordCount: number
  readonly maxTimestamp: number
  readonly isTransactional: boolean
}

export type WrittenBatch = {
  readonly firstSequence: number
  readonly lastSequence: number
  readonly baseOffset: number
  readonly lastOffset: number
  readonly timestamp: number
}

/** One producer, in the form of checkpoints. */
export type ProducerState = {
  readonly producerId: number
  epoch: number
  /** The newest last. */
  batches: WrittenBatch[]
  lastTimestamp: number
  coordinatorEpoch: number
  /** -1 outside a transaction. */
  transactionStart: number
}

export type EndedTransaction = { readonly producerId: number; readonly firstOffset: number }

const keptBatches = 5
const sequenceLimit = 2 ** 31

export class ProducerStates {
  readonly #producers = new Map<number, ProducerState>()
  readonly #name: string

  /** @param name names the partition in errors */
  constructor(name: string, states: readonly ProducerState[] = []) {
    this.#name = name
    for (const state of states) this.#producers.set(state.producerId, { ...state, batches: [...state.batches] })
  }

  /** The batch that this one repeats, or undefined if it is new. */
  duplicateOf(batch: ProducedBatch): WrittenBatch | undefined {
    const state = this.#producers.get(batch.producerId)
    if (state === undefined || state.epoch !== batch.producerEpoch || batch.baseSequence < 0) return undefined
    const lastSequence = lastSequenceOf(batch)
    return state.batches.find(
      (written) => written.firstSequence === batch.baseSequence && written.lastSequence === lastSequence,
    )
  }

  /** @throws ApiError INVALID_PRODUCER_EPOCH, OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_TXN_STATE */
  check(batch: ProducedBatch, options: { readonly sequenced: boolean }): void {
    const state = this.#producers.get(batch.producerId)
    if (state === undefined) return
    if (batch.producerEpoch < state.epoch) throw this.#fenced(batch, state.epoch)
    if (options.sequenced) this.#checkSequence(batch, state)
    if (!batch.isTransactional && state.transactionStart !== -1 && batch.producerEpoch === state.epoch) {
      throw new ApiError(
        errors.INVALID_TXN_STATE,
        `Producer ${batch.producerId} wrote outside of its open transaction to ${this.#name}`,
      )
    }
  }

  /** Applies a checked batch, or one from the journal; true if it begins a transaction here. */
  apply(batch: ProducedBatch): boolean {
    const state = this.#stateFor(batch)
    state.lastTimestamp = batch.maxTimestamp
    const begins = batch.isTransactional && state.transactionStart === -1
    if (begins) state.transactionStart = batch.baseOffset
    if (batch.baseSequence >= 0) this.#remember(batch, state)
    return begins
  }

  #remember(batch: ProducedBatch, state: ProducerState): void {
    state.batches.push({
      firstSequence: batch.baseSequence,
      lastSequence: lastSequenceOf(batch),
      baseOffset: batch.baseOffset,
      lastOffset: batch.lastOffset,
      timestamp: batch.maxTimestamp,
    })
    if (state.batches.length > keptBatches) state.batches.shift()
  }

  /** @throws ApiError INVALID_PRODUCER_EPOCH, TRANSACTION_COORDINATOR_FENCED */
  checkMarker(marker: TransactionMarker): void {
    const state = this.#producers.get(marker.producerId)
    if (state === undefined) return
    if (marker.producerEpoch < state.epoch) throw this.#fenced(marker, state.epoch)
    if (marker.coordinatorEpoch < state.coordinatorEpoch) {
      throw new ApiError(
        errors.TRANSACTION_COORDINATOR_FENCED,
        `Coordinator epoch ${marker.coordinatorEpoch} is older than ${state.coordinatorEpoch} on ${this.#name}`,
      )
    }
  }

  /** Ends the producer's transaction; undefined if none was open here. */
  applyMarker(
    marker: Pick<TransactionMarker, 'producerId' | 'producerEpoch' | 'coordinatorEpoch'>,
    timestamp: number,
  ): EndedTransaction | undefined {
    const state = this.#stateFor(marker)
    state.coordinatorEpoch = marker.coordinatorEpoch
    state.lastTimestamp = timestamp
    const firstOffset = state.transactionStart
    state.transactionStart = -1
    return firstOffset === -1 ? undefined : { producerId: marker.producerId, firstOffset }
  }

  /** Removes producers that were silent since before `time` and have no open transaction. */
  expire(time: number): void {
    for (const [id, state] of this.#producers) {
      if (state.lastTimestamp < time && state.transactionStart === -1) this.#producers.delete(id)
    }
  }

  openTransactions(): EndedTransaction[] {
    return [...this.#producers.values()]
      .filter((state) => state.transactionStart !== -1)
      .map((state) => ({ producerId: state.producerId, firstOffset: state.transactionStart }))
  }

  /** A copy, for a checkpoint. */
  snapshot(): ProducerState[] {
    return [...this.#producers.values()].map((state) => ({ ...state, batches: [...state.batches] }))
  }

  active(): ActiveProducer[] {
    return [...this.#producers.values()].map((state) => ({
      producerId: state.producerId,
      producerEpoch: state.epoch,
      lastSequence: state.batches.at(-1)?.lastSequence ?? -1,
      lastTimestamp: state.lastTimestamp,
      coordinatorEpoch: state.coordinatorEpoch,
      currentTransactionStart: state.transactionStart,
    }))
  }

  #checkSequence(batch: ProducedBatch, state: ProducerState): void {
    const last = state.epoch === batch.producerEpoch ? (state.batches.at(-1)?.lastSequence ?? -1) : -1
    const expected = (last + 1) % sequenceLimit
    if (batch.baseSequence === expected) return
    throw new ApiError(
      errors.OUT_OF_ORDER_SEQUENCE_NUMBER,
      `Producer ${batch.producerId} sent sequence ${batch.baseSequence} to ${this.#name} where ${expected} is next`,
    )
  }

  /** A newer epoch starts over with sequence 0. An open transaction stays: only a marker, of either epoch, ends it. */
  #stateFor(batch: { readonly producerId: number; readonly producerEpoch: number }): ProducerState {
    const known = this.#producers.get(batch.producerId)
    if (known === undefined) {
      const state: ProducerState = {
        producerId: batch.producerId,
        epoch: batch.producerEpoch,
        batches: [],
        lastTimestamp: -1,
        coordinatorEpoch: -1,
        transactionStart: -1,
      }
      this.#producers.set(batch.producerId, state)
      return state
    }
    if (batch.producerEpoch > known.epoch) {
      known.epoch = batch.producerEpoch
      known.batches = []
    }
    return known
  }

  #fenced(from: { producerId: number; producerEpoch: number }, epoch: number): ApiError {
    return new ApiError(
      errors.INVALID_PRODUCER_EPOCH,
      `Epoch ${from.producerEpoch} of producer ${from.producerId} is older than ${epoch} on ${this.#name}`,
    )
  }
}

function lastSequenceOf(batch: ProducedBatch): number {
  return (batch.baseSequence + batch.recordCount - 1) % sequenceLimit
}
