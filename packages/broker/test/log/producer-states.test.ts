/** What a partition knows of its producers: with a fault here the log has a payment twice, refuses each attempt to write it, or shows an aborted one. */
import { errors } from '@streampay/kafka/wire'
import { describe, expect, it } from 'vitest'
import type { ApiError } from '../../src/log/index.ts'
import { type ProducedBatch, ProducerStates } from '../../src/log/producer-states.ts'
import { UndecidedTransactions } from '../../src/log/undecided-transactions.ts'

const producerId = 7
const lastSequence = 2 ** 31 - 1

/** One record at offset 10 in epoch 0. */
function batch(baseSequence: number, change: Partial<ProducedBatch> = {}): ProducedBatch {
  const { recordCount = 1, baseOffset = 10 } = change
  return {
    baseOffset,
    lastOffset: baseOffset + recordCount - 1,
    producerId,
    producerEpoch: 0,
    baseSequence,
    recordCount,
    maxTimestamp: 1000,
    isTransactional: false,
    ...change,
  }
}

const marker = (change: { producerEpoch?: number; coordinatorEpoch?: number } = {}) => ({
  producerId,
  producerEpoch: 0,
  coordinatorEpoch: 0,
  commit: true,
  ...change,
})

function having(...batches: readonly ProducedBatch[]): ProducerStates {
  const states = new ProducerStates('t-0')
  for (const one of batches) states.apply(one)
  return states
}

/** The code with which a batch is refused; undefined if it is not. */
function refusal(states: ProducerStates, one: ProducedBatch, sequenced = true): number | undefined {
  return codeOf(() => states.check(one, { sequenced }))
}

function codeOf(check: () => void): number | undefined {
  try {
    check()
    return undefined
  } catch (error) {
    return (error as ApiError).code
  }
}

describe('a batch repeats another one', () => {
  const written = batch(5, { recordCount: 3, baseOffset: 40, maxTimestamp: 900 })
  const states = having(written)

  it('if producer, epoch, first and last sequence are those of it, wherever it would stand', () => {
    expect(states.duplicateOf({ ...written, baseOffset: 90 })).toEqual({
      firstSequence: 5,
      lastSequence: 7,
      baseOffset: 40,
      lastOffset: 42,
      timestamp: 900,
    })
  })

  it.each([
    ['another producer', { producerId: 8 }],
    ['an older epoch', { producerEpoch: -1 }],
    ['a newer epoch', { producerEpoch: 1 }],
    ['fewer records', { recordCount: 2 }],
    ['more records', { recordCount: 4 }],
    ['a later beginning with the same end', { baseSequence: 6, recordCount: 2 }],
    ['no sequence', { baseSequence: -1, recordCount: 9 }],
  ])('and not with %s', (_, change) => {
    expect(states.duplicateOf({ ...written, ...change })).toBeUndefined()
  })

  it('also if its sequence goes over the last number, or begins at 0', () => {
    const over = batch(lastSequence, { recordCount: 2 })
    expect(having(over).duplicateOf(over)).toMatchObject({ firstSequence: lastSequence, lastSequence: 0 })
    expect(having(batch(0)).duplicateOf(batch(0))).toMatchObject({ firstSequence: 0, lastSequence: 0 })
  })

  it('if it is one of the last five', () => {
    const known = having(...[0, 1, 2, 3, 4, 5].map((sequence) => batch(sequence, { baseOffset: sequence })))
    const offsets = [0, 1, 2, 3, 4, 5].map((sequence) => known.duplicateOf(batch(sequence))?.baseOffset)
    expect(offsets).toEqual([undefined, 1, 2, 3, 4, 5])
  })
})

describe('the next batch of a producer', () => {
  it.each([
    ['any number, if the producer is not known', having(), 5],
    ['the one behind its last record', having(batch(0, { recordCount: 3 })), 3],
    ['0 behind the last number', having(batch(lastSequence)), 0],
    ['1 behind a batch that went over the last number', having(batch(lastSequence, { recordCount: 2 })), 1],
    ['0 if all of its batches had none', having(batch(-1)), 0],
  ])('has as its sequence %s', (_, states, sequence) => {
    expect(refusal(states, batch(sequence))).toBeUndefined()
  })

  it.each([
    ['the same again', 2],
    ['one too many', 4],
    ['0', 0],
  ])('is refused with %s', (_, sequence) => {
    const states = having(batch(0, { recordCount: 3 }))
    expect(refusal(states, batch(sequence))).toBe(errors.OUT_OF_ORDER_SEQUENCE_NUMBER)
    expect(refusal(states, batch(sequence), false)).toBeUndefined()
  })

  it('begins with 0 in a newer epoch, and is fenced in an older one, sequence or not', () => {
    const states = having(batch(0, { producerEpoch: 3 }))
    expect(refusal(states, batch(1, { producerEpoch: 4 }))).toBe(errors.OUT_OF_ORDER_SEQUENCE_NUMBER)
    expect(refusal(states, batch(0, { producerEpoch: 4 }))).toBeUndefined()
    expect(refusal(states, batch(1, { producerEpoch: 3 }))).toBeUndefined()
    for (const sequenced of [true, false]) {
      expect(refusal(states, batch(1, { producerEpoch: 2 }), sequenced)).toBe(errors.INVALID_PRODUCER_EPOCH)
    }
  })

  // Taken for a repetition of the old one, it would be acknowledged and never written.
  it('is not taken for a batch of an older epoch with the same sequence', () => {
    const states = having(batch(0), batch(1, { baseOffset: 11 }), batch(0, { producerEpoch: 1, baseOffset: 12 }))
    expect(states.duplicateOf(batch(1, { producerEpoch: 1 }))).toBeUndefined()
    expect(states.duplicateOf(batch(0, { producerEpoch: 1 }))).toMatchObject({ baseOffset: 12 })
  })

  it('leaves the transaction open that an older epoch has begun', () => {
    const states = having(
      batch(0, { isTransactional: true }),
      batch(0, { producerEpoch: 1, isTransactional: true, baseOffset: 11 }),
    )
    expect(states.active()).toMatchObject([{ producerEpoch: 1, lastSequence: 0, currentTransactionStart: 10 }])
  })
})

describe('a transaction', () => {
  const open = () => having(batch(0, { isTransactional: true }))

  it('begins with its first batch alone', () => {
    const states = new ProducerStates('t-0')
    expect(states.apply(batch(0))).toBe(false)
    expect(states.openTransactions()).toEqual([])
    expect(states.apply(batch(1, { isTransactional: true, baseOffset: 0 }))).toBe(true)
    expect(states.apply(batch(2, { isTransactional: true, baseOffset: 20 }))).toBe(false)
    expect(states.openTransactions()).toEqual([{ producerId, firstOffset: 0 }])
  })

  it('keeps out batches of its producer that are not in it, until it ends', () => {
    const states = open()
    expect(refusal(states, batch(1))).toBe(errors.INVALID_TXN_STATE)
    expect(refusal(states, batch(1, { isTransactional: true }))).toBeUndefined()
    expect(refusal(states, batch(0, { producerId: 8 }))).toBeUndefined()
    // A newer epoch is another session of the producer.
    expect(refusal(states, batch(0, { producerEpoch: 1 }))).toBeUndefined()
    states.applyMarker(marker(), 2000)
    expect(refusal(states, batch(1))).toBeUndefined()
  })

  it('ends once, and tells where it began', () => {
    const states = open()
    expect(states.applyMarker(marker(), 2000)).toEqual({ producerId, firstOffset: 10 })
    expect(states.applyMarker(marker(), 2001)).toBeUndefined()
    expect(states.openTransactions()).toEqual([])
    expect(states.apply(batch(1, { isTransactional: true, baseOffset: 30 }))).toBe(true)
    expect(states.applyMarker(marker(), 2002)).toEqual({ producerId, firstOffset: 30 })
  })

  it('is not ended by an older session or an older coordinator', () => {
    const states = having(batch(0, { producerEpoch: 2, isTransactional: true }))
    states.applyMarker(marker({ producerEpoch: 2, coordinatorEpoch: 5 }), 2000)
    const refusalOf = (change: Parameters<typeof marker>[0]) => codeOf(() => states.checkMarker(marker(change)))
    expect(refusalOf({ producerEpoch: 1, coordinatorEpoch: 5 })).toBe(errors.INVALID_PRODUCER_EPOCH)
    expect(refusalOf({ producerEpoch: 2, coordinatorEpoch: 4 })).toBe(errors.TRANSACTION_COORDINATOR_FENCED)
    expect(refusalOf({ producerEpoch: 2, coordinatorEpoch: 5 })).toBeUndefined()
    expect(refusalOf({ producerEpoch: 3, coordinatorEpoch: 6 })).toBeUndefined()
    expect(codeOf(() => new ProducerStates('t-0').checkMarker(marker()))).toBeUndefined()
  })

  it('is not ended where none was, by a marker that makes its producer known', () => {
    const states = new ProducerStates('t-0')
    expect(states.applyMarker(marker({ producerEpoch: 4, coordinatorEpoch: 2 }), 2000)).toBeUndefined()
    expect(states.active()).toEqual([
      {
        producerId,
        producerEpoch: 4,
        lastSequence: -1,
        lastTimestamp: 2000,
        coordinatorEpoch: 2,
        currentTransactionStart: -1,
      },
    ])
    expect(refusal(states, batch(0, { producerEpoch: 3 }))).toBe(errors.INVALID_PRODUCER_EPOCH)
  })
})

describe('what is known of producers', () => {
  it('is forgotten when they were silent since before a time, unless their transaction is open', () => {
    const states = having(
      batch(0, { producerId: 1, maxTimestamp: 999 }),
      batch(0, { producerId: 2, maxTimestamp: 1000 }),
      batch(0, { producerId: 3, maxTimestamp: 1, isTransactional: true }),
    )
    states.expire(1000)
    expect(states.active().map((one) => one.producerId)).toEqual([2, 3])
    states.applyMarker({ ...marker(), producerId: 3 }, 1500)
    states.expire(1500)
    expect(states.active().map((one) => one.producerId)).toEqual([3])
  })

  it('is the same after a checkpoint, and nothing that happens later changes that one', () => {
    const states = having(batch(0, { isTransactional: true }))
    const snapshot = states.snapshot()
    const text = JSON.stringify(snapshot)
    const restored = new ProducerStates('t-0', snapshot)
    expect(restored.active()).toEqual(states.active())
    for (const one of [states, restored]) {
      expect(one.duplicateOf(batch(0))).toMatchObject({ baseOffset: 10 })
      one.apply(batch(1, { isTransactional: true, baseOffset: 11 }))
      one.applyMarker(marker(), 2000)
    }
    expect(JSON.stringify(snapshot)).toBe(text)
  })
})

describe('the last stable offset', () => {
  it('is the beginning of the oldest transaction whose end is not durable, at most the high watermark', () => {
    const undecided = new UndecidedTransactions([
      { producerId: 2, firstOffset: 8 },
      { producerId: 1, firstOffset: 5 },
    ])
    undecided.begin(1, 12)
    expect([undecided.lastStableOffset(20), undecided.lastStableOffset(3)]).toEqual([5, 3])
    undecided.end({ producerId: 1, firstOffset: 12 })
    undecided.end({ producerId: 2, firstOffset: 5 })
    undecided.end({ producerId: 1, firstOffset: 8 })
    expect(undecided.lastStableOffset(20)).toBe(5)
    undecided.end({ producerId: 1, firstOffset: 5 })
    expect(undecided.lastStableOffset(20)).toBe(8)
    undecided.end({ producerId: 2, firstOffset: 8 })
    expect(undecided.lastStableOffset(20)).toBe(20)
  })
})
