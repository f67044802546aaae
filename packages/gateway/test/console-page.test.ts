import { openReader } from '@streampay/kafka'
import { expect, it } from 'vitest'
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
