import type { ReceivedRecord } from '@streampay/kafka'
import { expect, it } from 'vitest'
import { checkLimits, defaultLimits } from '../../src/runtime/limits.ts'
import { deadLetterOf } from '../../src/task/dead-letter.ts'
import { recordBytes } from '../../src/task/record-size.ts'

const leastRecordBytes = 16 * 1024

it('refuses bounds that are too small, and names all of them', () => {
  expect(() => checkLimits(defaultLimits)).not.toThrow()
  expect(() => checkLimits({ ...defaultLimits, maxRecordBytes: leastRecordBytes })).not.toThrow()
  const wrong = { ...defaultLimits, maxRecordBytes: leastRecordBytes - 1, maxBatchRecords: 0, trimEveryMs: Number.NaN }
  expect(() => checkLimits(wrong)).toThrow(
    'maxBatchRecords is 0, not a whole number from 1; trimEveryMs is NaN, not a whole number from 1; maxRecordBytes is 16383, below 16384.',
  )
})

it('leaves room for the largest dead letter, at the least that a record may take', () => {
  const error = new Error('\u{20ac}'.repeat(10_000))
  error.stack = '\u{10ffff}'.repeat(10_000)
  const place = { topic: 't'.repeat(249), partition: 0x7fff_ffff, offset: Number.MAX_SAFE_INTEGER, timestamp: 1 }
  const headers = Array.from({ length: 3 }, (_, index): [string, Buffer] => [`h${index}`, Buffer.alloc(9_000)])
  const record: ReceivedRecord = { ...place, key: Buffer.alloc(9_000), value: Buffer.alloc(90_000), headers }
  const letter = deadLetterOf(record, { topic: 'd', error, maxBytes: leastRecordBytes, unanswered: error })
  expect(recordBytes(letter)).toBeLessThanOrEqual(leastRecordBytes)
  expect(letter.value?.length).toBeGreaterThan(0)
})
