/** What a partition knows of a producer at first: the beginning of its first transaction, and batches without a sequence. */
import { describe, expect, it } from 'vitest'
import { type ProducedBatch, ProducerStates } from '../../src/log/producer-states.ts'

const producerId = 7
const marker = { producerId, producerEpoch: 0, coordinatorEpoch: 0, commit: true }

function batch(baseSequence: number, change: Partial<ProducedBatch> = {}): ProducedBatch {
  const { recordCount = 1, baseOffset = 10 } = change
  const lastOffset = baseOffset + recordCount - 1
  const plain = { producerId, producerEpoch: 0, maxTimestamp: 1000, isTransactional: false }
  return { ...plain, baseOffset, lastOffset, baseSequence, recordCount, ...change }
}

function having(...batches: readonly ProducedBatch[]): ProducerStates {
  const states = new ProducerStates('t-0')
  for (const one of batches) states.apply(one)
  return states
}

describe('a producer that a partition does not know', () => {
  it('may write any batch and any marker', () => {
    const states = new ProducerStates('t-0')
    for (const sequenced of [true, false]) expect(() => states.check(batch(5), { sequenced })).not.toThrow()
    expect(() => states.checkMarker(marker)).not.toThrow()
    expect(states.duplicateOf(batch(5))).toBeUndefined()
  })

  // Taken for one of an older coordinator, it would leave the transaction open for good.
  it('may have its first transaction ended by the first coordinator', () => {
    const states = having(batch(0, { isTransactional: true }))
    expect(() => states.checkMarker(marker)).not.toThrow()
    expect(states.applyMarker(marker, 2000)).toEqual({ producerId, firstOffset: 10 })
  })

  it('has no batches after a marker alone, of a newer epoch neither', () => {
    const empty = { producerId, batches: [], coordinatorEpoch: 0, transactionStart: -1 }
    const states = new ProducerStates('t-0')
    states.applyMarker(marker, 2000)
    expect(states.snapshot()).toEqual([{ ...empty, epoch: 0, lastTimestamp: 2000 }])
    states.apply(batch(0))
    states.applyMarker({ ...marker, producerEpoch: 1 }, 3000)
    expect(states.snapshot()).toEqual([{ ...empty, epoch: 1, lastTimestamp: 3000 }])
    expect(() => states.check(batch(0, { producerEpoch: 1 }), { sequenced: true })).not.toThrow()
  })
})

// Offsets that a consumer commits in a transaction are such batches: the coordinator of its group writes them.
describe('batches without a sequence', () => {
  const without = batch(-1, { recordCount: 4 })

  it('are no batches that another one repeats, and have no place in the sequence of their producer', () => {
    const states = having(without)
    expect(states.duplicateOf(without)).toBeUndefined()
    expect(() => states.check(batch(0), { sequenced: true })).not.toThrow()
    expect(states.active()).toMatchObject([{ lastSequence: -1 }])
  })

  it('put none of the last five batches out of memory', () => {
    const states = having(...[0, 1, 2, 3, 4].map((sequence) => batch(sequence)), without, without)
    expect(states.duplicateOf(batch(0))).toMatchObject({ firstSequence: 0 })
  })
})
