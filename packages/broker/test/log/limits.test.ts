import { randomFillSync } from 'node:crypto'
import { batchesOf, compressions, decodeRecords, encodeBatch, errors } from '@streampay/kafka/wire'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { rawBatch, rawRecord } from '../../../kafka/test/support/raw-batch.ts'
import { ApiError, type Partition } from '../../src/log/index.ts'
import { newYear } from '../support/batches.ts'
import { readAll, testPartition } from '../support/test-storage.ts'

type Plan = {
  readonly valueBytes: number
  readonly noiseBytes: number
  readonly headers: number
  readonly records: number
  readonly timestamp: number
  readonly key: Buffer | null
}

const mebibyte = 1024 * 1024
const maxMessageBytes = 3 * mebibyte
/** The largest value of a batch with one header byte each: the bytes around are fewer than a hundred. */
const around = 100
const hour = 3_600_000

/** Each limit at it, just past it, and well within; the other parts of the batch stay small. */
const changes: readonly Partial<Plan>[] = [
  {},
  ...[-around, 0, 1].map((by) => ({ noiseBytes: maxMessageBytes + by })),
  ...[-around, 0, 1].map((by) => ({ valueBytes: 4 * mebibyte + by })),
  ...[-around, 0, 1].map((by) => ({ valueBytes: 64 * mebibyte + by, noiseBytes: 80_000 })),
  { valueBytes: 50 * mebibyte, noiseBytes: 20_000 },
  ...[999_998, 999_999, 1_000_000].map((headers) => ({ headers })),
  ...[1, 1000, 100_000].map((records) => ({ records })),
  ...[-1, 0, 1].map((by) => ({ timestamp: newYear + hour + by })),
  ...[-1, 0, newYear].map((timestamp) => ({ timestamp })),
  { key: null },
  { key: Buffer.alloc(0) },
]

const plain: Plan = { valueBytes: 3, noiseBytes: 0, headers: 0, records: 1, timestamp: newYear, key: Buffer.from('k') }
const mostZeros = 64 * mebibyte + 1
/** Each value is a part of this, and each list of headers a part of that one: to make them anew takes longer than what is tested. */
const zerosAndNoise = Buffer.alloc(mostZeros + maxMessageBytes + 1)
randomFillSync(zerosAndNoise, mostZeros)
const manyHeaders = Array<[string, null]>(1_000_000).fill(['', null])
const allowed: readonly number[] = [errors.MESSAGE_TOO_LARGE, errors.INVALID_TIMESTAMP, errors.INVALID_RECORD]

function batchOf(plan: Plan, compression: (typeof compressions)[number]): Buffer {
  const { timestamp, key } = plan
  const small = { timestamp, key, value: Buffer.from('v') }
  const first = {
    ...small,
    value: zerosAndNoise.subarray(mostZeros - plan.valueBytes, mostZeros + plan.noiseBytes),
    headers: manyHeaders.slice(0, plan.headers),
  }
  return encodeBatch({ records: [first, ...Array<typeof small>(plan.records - 1).fill(small)], compression })
}

/** The code of the refusal, undefined for an accepted batch. Any other error would end the process. */
async function refusalOf(partition: Partition, batch: Buffer): Promise<number | undefined> {
  try {
    await partition.append(batch, 'client')
    return undefined
  } catch (error) {
    if (error instanceof ApiError) return error.code
    throw error
  }
}

test('limits alone and in pairs stop nothing, and what is acknowledged is read to the end', async () => {
  const config = { 'max.message.bytes': String(maxMessageBytes), 'cleanup.policy': 'compact,delete' }
  const { partition } = await testPartition(config)
  const change = fc.constantFrom(...changes)
  const property = fc.asyncProperty(
    change,
    change,
    fc.constantFrom(...compressions),
    async (one, other, compression) => {
      const before = partition.logEndOffset
      const batch = batchOf({ ...plain, ...one, ...other }, compression)
      const code = await refusalOf(partition, batch)
      if (code !== undefined) {
        expect(allowed).toContain(code)
        expect(partition.logEndOffset).toBe(before)
        return
      }
      const stored = await readAll(partition, 'read_uncommitted', before)
      const records = [...batchesOf(stored)].flatMap(({ bytes }) => decodeRecords(bytes))
      expect(records).toHaveLength(partition.logEndOffset - before)
    },
  )
  // A failure prints its seed and the pair.
  await fc.assert(property, { numRuns: 60 })
}, 120_000)

test.each([
  ['a message at max.message.bytes', { noiseBytes: maxMessageBytes - around }, 'none', undefined],
  ['a message past max.message.bytes', { noiseBytes: maxMessageBytes }, 'none', errors.MESSAGE_TOO_LARGE],
  ['a small batch of 4 MiB', { valueBytes: 4 * mebibyte - around }, 'zstd', undefined],
  ['a small batch of more than 4 MiB', { valueBytes: 4 * mebibyte }, 'zstd', errors.MESSAGE_TOO_LARGE],
  ['a batch of 64 MiB', { valueBytes: 63 * mebibyte, noiseBytes: 80_000 }, 'lz4', undefined],
  ['a batch of more than 64 MiB', { valueBytes: 64 * mebibyte, noiseBytes: 80_000 }, 'lz4', errors.MESSAGE_TOO_LARGE],
  ['a million records and headers', { headers: 999_999 }, 'gzip', undefined],
  ['one more than a million records and headers', { headers: 1_000_000 }, 'gzip', errors.MESSAGE_TOO_LARGE],
] as const)('%s is answered as its limit says', async (_, change, compression, code) => {
  const { partition } = await testPartition({ 'max.message.bytes': String(maxMessageBytes) })
  const batch = batchOf({ ...plain, ...change }, compression)
  expect(await refusalOf(partition, batch)).toBe(code)
})

// 845 bytes blocked the broker for 3.6 s and took 210 MB, since records became objects before their offsets were
// checked.
test('a small batch that unpacks to millions of records with one offset is refused at the second one', async () => {
  const { partition } = await testPartition()
  const records = Buffer.concat(Array<Buffer>(1_000_000).fill(rawRecord({ key: null, value: null })))
  const batch = rawBatch({ records, count: 1_000_000, compression: 'zstd', baseTimestamp: BigInt(newYear) })
  const refusal = await partition.append(batch, 'client').catch((error: ApiError) => error)
  expect(refusal).toMatchObject({ code: errors.INVALID_RECORD })
  expect((refusal as ApiError).message).toContain('record 1 of the batch has the offset delta 0')
})
