import { batchesOf, decodeRecords, encodeBatch } from '@streampay/kafka/wire'

export type TestRecord = { readonly key?: string | null; readonly value: string | null; readonly timestamp?: number }
export type BatchOptions = Partial<Omit<Parameters<typeof encodeBatch>[0], 'records'>>

/** A batch as a producer would send it; records without a time are of `2026-01-01`. */
export function batchOf(records: readonly (TestRecord | string)[], options: BatchOptions = {}): Buffer {
  return encodeBatch({
    ...options,
    records: records.map((record) => {
      const { key = null, value, timestamp = newYear } = typeof record === 'string' ? { value: record } : record
      return {
        timestamp,
        key: key === null ? null : Buffer.from(key),
        value: value === null ? null : Buffer.from(value),
      }
    }),
  })
}

export const newYear = Date.UTC(2026, 0, 1)

/** The values of all data records, in order. */
export function valuesOf(records: Buffer): (string | null)[] {
  return [...batchesOf(records)]
    .filter((batch) => !batch.header.isControl)
    .flatMap((batch) => decodeRecords(batch.bytes).map((record) => record.value?.toString() ?? null))
}
