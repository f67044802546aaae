/** Batches made by hand as a log would hold them, and the options that tests of `visibleRecords` share. */
import { type BatchToEncode, encodeBatch, encodeControlBatch } from '../../src/wire/index.ts'

export const at = {
  topic: 't',
  partition: 0,
  isolation: 'read_committed',
  highWatermark: -1,
  onUndecodable: 'stop',
} as const
export const timestamp = 1_700_000_000_000

export function batch(baseOffset: number, values: readonly string[], extra: Partial<BatchToEncode> = {}): Buffer {
  const records = values.map((value) => ({ timestamp, key: null, value: Buffer.from(value) }))
  return encodeBatch({ records, baseOffset, ...extra })
}

export function written(producerId: number, baseOffset: number, ...values: string[]): Buffer {
  return batch(baseOffset, values, { producerId, producerEpoch: 0, baseSequence: 0, isTransactional: true })
}

export function marker(producerId: number, baseOffset: number, commit: boolean): Buffer {
  return encodeControlBatch({ producerId, producerEpoch: 0, commit, coordinatorEpoch: 0, timestamp, baseOffset })
}
