import { Partitioners } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { partitionForKey } from '../src/index.ts'

/** The hashes of org.apache.kafka.common.utils.UtilsTest.testMurmur2. */
const kafkasHashes: ReadonlyArray<readonly [key: string, hash: number]> = [
  ['21', -973_932_308],
  ['foobar', -790_332_482],
  ['a-little-bit-long-string', -985_981_536],
  ['a-little-bit-longer-string', -1_486_304_829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58_897_971],
  ['abc', 479_470_107],
]

describe('the partitioner', () => {
  it.each(kafkasHashes)("puts %s where Kafka's own clients put it", (key, hash) => {
    for (const partitions of [1, 3, 4, 50, 1000]) {
      expect(partitionForKey(key, partitions)).toBe((hash & 0x7fffffff) % partitions)
    }
  })

  it('hashes bytes, so that text and its UTF-8 go to one place', () => {
    for (const key of ['', 'ß', 'für später', '💶', 'auth0|5f7c8ec7c33c6c004bbafe82']) {
      expect(partitionForKey(Buffer.from(key), 64)).toBe(partitionForKey(key, 64))
    }
  })

  // Four bytes are hashed at a time. None of Kafka's own examples leaves a single one: a fault there was not noticed.
  it('puts keys of every length where KafkaJS puts them', () => {
    const partitionOf = Partitioners.DefaultPartitioner()
    const partitions = 1000
    const partitionMetadata = Array.from({ length: partitions }, (_, partitionId) => ({
      partitionErrorCode: 0,
      partitionId,
      leader: 0,
      replicas: [0],
      isr: [0],
    }))
    for (let length = 0; length <= 40; length++) {
      const key = Buffer.from(Array.from({ length }, (_, at) => (at * 89 + length * 7 + 200) % 256))
      const message = { key, value: null }
      expect(partitionForKey(key, partitions)).toBe(partitionOf({ topic: 't', partitionMetadata, message }))
    }
  })
})
