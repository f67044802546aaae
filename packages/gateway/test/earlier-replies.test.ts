/** What a gateway reads of the replies before its start, beside its work. */
import { pino } from 'pino'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openEarlierReplies } from '../src/commands/earlier-replies.ts'
import { definition } from './support/definition.ts'
import { openTestLog, type TestLog } from './support/test-log.ts'

let log: TestLog

beforeAll(async () => {
  log = await openTestLog(definition.topics, 2)
})
afterAll(() => log.close())

const minuteMs = 60_000

/** Replies at these minutes before now, and what is read of them. */
async function readOf(minutesAgo: readonly number[], ends: readonly number[]) {
  const now = Date.now()
  const read: string[] = []
  const told: string[] = []
  const replies = {
    onRecord: ({ value }: { readonly value: Buffer | null }) => void read.push(String(value)),
    awaitEarlier: () => void told.push('await'),
    haveEarlier: () => void told.push('have'),
  }
  for (const minutes of minutesAgo) {
    await log.producer.send([
      { topic: 'replies', partition: 0, key: 'k', value: `${minutes}`, timestamp: now - minutes * minuteMs },
    ])
  }
  const { cluster, admin } = log
  const clock = { now: () => now, elapsed: () => 0 }
  const logger = pino({ level: 'silent' })
  const earlier = openEarlierReplies({ cluster, admin, topic: 'replies', replies, clock, logger })
  earlier.start(ends.map((offset, partition) => ({ topic: 'replies', partition, offset })))
  return { earlier, read, told }
}

it('are those of ten minutes, up to where the feed begins', async () => {
  const { earlier, read, told } = await readOf([12, 9, 5, 1], [3, 0])
  await expect.poll(() => told).toEqual(['await', 'have'])
  expect(read).toEqual(['9', '5'])
  await earlier.close()
})

it('are none of a topic that has none', async () => {
  const { earlier, told } = await readOf([], [0, 0])
  await expect.poll(() => told).toEqual(['await', 'have'])
  await earlier.close()
})

it('are not told as read when the gateway ends before', async () => {
  const { earlier, told } = await readOf([], [1_000_000, 0])
  await earlier.close()
  expect(told).toEqual(['await'])
})
