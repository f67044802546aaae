import type { ReceivedRecord } from '@streampay/kafka'
import { encodeBatch } from '@streampay/kafka/wire'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { recordBytes } from '../../src/task/record-size.ts'

const batchHeaderBytes = 61
/** How much more is counted for the frame than one record at offset 0 takes: its length, time and offset are short there. */
const slackBytes = 21

const data = fc.option(fc.uint8Array({ maxLength: 20_000 }).map((bytes) => Buffer.from(bytes)))
const headers = fc.dictionary(fc.string({ maxLength: 80, unit: 'binary' }), fc.uint8Array({ maxLength: 200 }))

it('is never less than what the encoder makes of a record, and at most its frame more', () => {
  fc.assert(
    fc.property(data, data, headers, fc.nat({ max: 2 ** 31 }), (key, value, given, timestamp) => {
      const entries = Object.entries(given).map(([name, bytes]): [string, Buffer] => [name, Buffer.from(bytes)])
      const record: Pick<ReceivedRecord, 'key' | 'value' | 'headers' | 'timestamp'> = {
        key,
        value,
        headers: entries,
        timestamp,
      }
      const encoded = encodeBatch({ records: [record], baseTimestamp: 0 }).length - batchHeaderBytes
      const counted = recordBytes({ key, value, headers: Object.fromEntries(entries) })
      expect(counted).toBeGreaterThanOrEqual(encoded)
      expect(counted).toBeLessThanOrEqual(encoded + slackBytes)
    }),
  )
})
