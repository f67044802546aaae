/** Record batches of every compression: well-formed ones, ones with a wrong field, and ones with changed bytes. */
import { compressions } from '@streampay/kafka/wire'
import {
  type RawBatch,
  type RawRecord,
  rawBatch,
  rawHeader,
  rawRecord,
  rawTime,
} from '../../packages/kafka/test/support/raw-batch.ts'
import type { SeededRandom } from '../support/seeded-random.ts'
import { mutated } from './mutate.ts'

export type BatchProducer = {
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly baseSequence: number
}

const transactional = 0x10

/** A batch that should be accepted. */
export function goodBatch(random: SeededRandom, producer?: BatchProducer): { bytes: Buffer; count: number } {
  const count = 1 + random.below(8)
  const records = recordsOf(random, count, () => ({}))
  const compression = random.pick(compressions)
  const attributes = producer === undefined ? 0 : transactional
  return { count, bytes: rawBatch({ records, count, compression, ...(producer && { ...producer, attributes }) }) }
}

export function fuzzedBatch(random: SeededRandom, producer?: BatchProducer): Buffer {
  const { bytes } = random.chance(0.4) ? goodBatch(random, producer) : { bytes: wrongBatch(random, producer) }
  if (random.chance(0.25)) return mutated(random, bytes)
  return random.chance(0.05) ? Buffer.concat([bytes, bytes.subarray(0, random.below(bytes.length + 1))]) : bytes
}

function wrongBatch(random: SeededRandom, producer?: BatchProducer): Buffer {
  const count = 1 + random.below(5)
  const records = recordsOf(random, count, () => (random.chance(0.3) ? wrongRecord(random) : {}))
  const compression = random.pick(compressions)
  const fields: Partial<RawBatch>[] = [
    {},
    { count: random.pick([0, -1, count + 1, 0x7fff_ffff]) },
    { lastOffsetDelta: random.pick([-1, count, 0x7fff_ffff]) },
    { baseOffset: random.pick([1n, -1n, 2n ** 62n]) },
    { baseTimestamp: random.pick([-1n, 0n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n]) },
    { maxTimestamp: random.pick([-1n, 2n ** 63n - 1n, 0n]) },
    {
      producerId: random.pick([0n, 1000n, 2n ** 62n, -2n]),
      producerEpoch: random.below(3),
      baseSequence: random.below(5),
    },
    { magic: random.pick([0, 1, 3, -1]) },
    { attributes: 1 << random.below(16) },
    { lengthOff: random.pick([-1, 1, -40, 1000]) },
    { crcOff: 1 },
    { body: Buffer.alloc(random.below(100), random.below(256)) },
  ]
  const picked = Object.fromEntries(
    Object.entries(random.pick(fields)).map(([name, value]) => [name, fits(name, value)]),
  )
  return rawBatch({ records, count, compression, ...producer, ...picked })
}

/** Attributes are 16 bits with a sign. */
function fits(name: string, value: unknown): unknown {
  return name === 'attributes' && value === 0x8000 ? -0x8000 : value
}

function recordsOf(random: SeededRandom, count: number, change: () => RawRecord): Buffer {
  const records = Array.from({ length: count }, (_, offsetDelta) =>
    rawRecord({
      offsetDelta,
      timestampDelta: BigInt(random.below(1000)),
      key: random.chance(0.1) ? null : Buffer.from(`key ${random.below(50)}`),
      value: random.chance(0.1) ? null : Buffer.alloc(random.below(300), random.below(256)),
      headerCount: 1,
      headers: rawHeader(Buffer.from('h'), random.chance(0.5) ? null : Buffer.alloc(3)),
      ...change(),
    }),
  )
  return Buffer.concat(records)
}

function wrongRecord(random: SeededRandom): RawRecord {
  const wrong: RawRecord[] = [
    { offsetDelta: random.pick([0, 1, -1, 2n ** 40n, 0x7fff_ffff]) },
    { timestampDelta: random.pick([2n ** 62n, -(2n ** 62n), rawTime]) },
    { keyLength: random.pick([-2, 0, 100, 0x7fff_ffff, 2n ** 40n]) },
    { valueLength: random.pick([-2, 0, 100, 0x7fff_ffff, 2n ** 40n]) },
    { headerCount: random.pick([-1, 0, 2, 1000, 0x7fff_ffff, 2n ** 40n]) },
    { headers: Buffer.alloc(random.below(20), random.below(256)) },
    { lengthOff: random.pick([-1, 1, -10, 1000, 0x7fff_0000]) },
  ]
  return random.pick(wrong)
}
