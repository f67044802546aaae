import { encodeBatch, encodeControlBatch } from '@streampay/kafka/wire'
import { describe, expect, it } from 'vitest'
import { MarkerFold } from './committed-log.ts'

const timestamp = 1_000

function data(baseOffset: number, value: string, producerId = -1): Buffer {
  const transactional =
    producerId === -1 ? {} : { producerId, producerEpoch: 0, baseSequence: 0, isTransactional: true }
  const records = [{ timestamp, key: Buffer.from('key'), value: Buffer.from(value) }]
  return encodeBatch({ records, baseOffset, ...transactional })
}

function marker(baseOffset: number, producerId: number, commit: boolean): Buffer {
  return encodeControlBatch({ producerId, producerEpoch: 0, commit, coordinatorEpoch: 0, timestamp, baseOffset })
}

function fold(...batches: readonly Buffer[]) {
  const partition = new MarkerFold(0)
  partition.add(Buffer.concat(batches), 0)
  return partition
}

const values = (partition: MarkerFold) => partition.finish('t').records.map(({ offset, value }) => `${offset} ${value}`)

describe('what is committed', () => {
  it('is what is outside of transactions, and what a commit marker ends', () => {
    expect(
      values(fold(data(0, 'plain'), data(1, 'a', 7), data(2, 'b', 8), marker(3, 8, true), marker(4, 7, true))),
    ).toEqual(['0 plain', '1 a', '2 b'])
  })

  it('is not what an abort marker ends, but the next transaction of its producer is', () => {
    const batches = [data(0, 'aborted', 7), marker(1, 7, false), data(2, 'committed', 7), marker(3, 7, true)]
    expect(values(fold(...batches))).toEqual(['2 committed'])
  })

  it('counts markers as read, and no record twice when batches come again', () => {
    const partition = fold(data(0, 'a'), data(1, 'b', 7), marker(2, 7, true))
    expect(partition.position).toBe(3)
    partition.add(Buffer.concat([data(1, 'b', 7), marker(2, 7, true), data(3, 'c')]), 3)
    expect(values(partition)).toEqual(['0 a', '1 b', '3 c'])
  })

  it('is not known while a transaction has no marker, nor from a damaged batch', () => {
    expect(() => values(fold(data(0, 'open', 7)))).toThrow('has no marker yet')
    const damaged = data(0, 'a')
    damaged.writeUInt8(damaged.readUInt8(damaged.length - 1) ^ 1, damaged.length - 1)
    expect(() => fold(damaged)).toThrow('wrong checksum')
  })
})
