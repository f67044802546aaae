import { setTimeout } from 'node:timers/promises'
import { openReader, openTransactionalProducer } from '@streampay/kafka'
import { expect, it } from 'vitest'
import { readNewest } from '../src/console/read-newest.ts'
import { readRecords } from '../src/console/read-records.ts'
import { locate } from '../src/console/topic-position.ts'
import { positionOf } from '../src/sse/start.ts'
import { definition } from './support/definition.ts'
import { openTestLog } from './support/test-log.ts'

it('holds a bounded number of bytes, and the pages hold everything once, in the order of each partition', async () => {
  const log = await openTestLog(definition.topics, 3)
  const count = 40
  for (let n = 0; n < count; n++) await log.put('news', `author-${n}`, { n, text: 'x'.repeat(1_000) })
  const mostBytes = 4_000
  const sizes: number[] = []
  const read: { readonly partition: number; readonly offset: number }[] = []
  for (let next: string | undefined; ; ) {
    // What it is ahead by would be held as well.
    const reader = openReader(log.cluster, { maxBytes: 2_000, partitionMaxBytes: 1_000 })
    const query = { from: 'beginning', partition: undefined, after: positionOf(next, 'console') }
    const position = await locate(log.admin, 'news', query)
    const page = await readRecords(reader, { topic: 'news', position, limit: 1_000, mostBytes, now: 0 })
    await reader.close()
    sizes.push(page.items.length)
    read.push(...page.items)
    if (page.next === null) break
    next = page.next
  }
  expect(read).toHaveLength(count)
  for (const partition of [0, 1, 2]) {
    const offsets = read.filter((record) => record.partition === partition).map(({ offset }) => offset)
    expect(offsets).toEqual(offsets.map((_, offset) => offset))
  }
  expect(Math.max(...sizes)).toBeLessThan(count / 2)
  await log.close()
})

it('has the newest records of all partitions, oldest first, whatever else takes offsets', async () => {
  const log = await openTestLog(definition.topics, 3)
  const newest = async (count: number, mostBytes = 1_000_000, partition?: string) => {
    const reader = openReader(log.cluster, { onUndecodable: 'skip' })
    const position = await locate(log.admin, 'news', { from: `newest:${count}`, partition, after: undefined })
    const records = await readNewest(reader, { topic: 'news', position, count, mostBytes })
    await reader.close()
    return records.map(({ value }) => (value as { n: number }).n)
  }
  expect(await newest(5)).toEqual([])
  const producer = await openTransactionalProducer(log.cluster, { transactionalId: 'writer' })
  // Each transaction ends with a mark of its own; those of every third are not to be seen.
  const count = 30
  for (let n = 0; n < count; n++) {
    producer.begin()
    await producer.send([
      { topic: 'news', partition: n % 2, key: 'k', value: JSON.stringify({ n, text: 'x'.repeat(100) }) },
    ])
    if (n % 3 === 0) await producer.abort()
    else await producer.commit()
    // Within a millisecond the log knows no order between partitions.
    await setTimeout(2)
  }
  await producer.close()
  const seen = Array.from({ length: count }, (_, n) => n).filter((n) => n % 3 !== 0)
  expect(await newest(5)).toEqual(seen.slice(-5))
  expect(await newest(seen.length)).toEqual(seen)
  expect(await newest(500)).toEqual(seen)
  expect(await newest(3, 1_000_000, '1')).toEqual(seen.filter((n) => n % 2 === 1).slice(-3))
  // The first look is shown whole; with so much, no earlier ones are looked for.
  expect(await newest(500, 1)).toEqual(seen.slice(-2))
  expect((await newest(500, 500)).length).toBeLessThan(seen.length)
  await expect(newest(501)).rejects.toThrow('newest:N (N from 1 to 500)')
  await log.close()
})
