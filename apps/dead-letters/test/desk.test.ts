/** The desk: one letter at a time, by the rules of the tool, within bounds. */
import { headerNames, topicNames } from '@streampay/domain'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { judgeLetter, putLetterBack } from '../src/index.ts'
import { openTestLog, type TestLog } from './support/log.ts'

let log: TestLog
const options = { mostOffsets: 100, answersWithinMs: 50 }
const at = Date.now()

beforeAll(async () => {
  log = await openTestLog()
  await log.createPlainTopics()
})
afterAll(() => log.close())

async function letter(origin: string, key: string | null, headers: Record<string, string> = {}) {
  const [written] = await log.put({
    topic: topicNames.deadLetters,
    key,
    value: '{"amount":1}',
    timestamp: at,
    headers: { ...headers, origin, reason: 'boom' },
  })
  if (written === undefined) throw new Error('nothing was written')
  return { partition: written.partition, offset: written.offset }
}

it('says why a letter cannot be put back, and puts it back if it can', async () => {
  const nowMs = at + 1_000
  const key = { [headerNames.idempotencyKey]: 'k-1', [headerNames.correlationId]: 'c-1' }
  const good = await letter('commands/0/0', 'ann', key)
  const foreign = await letter('transactions/0/0', 'ann')
  const judged = async (place: typeof good, more = {}) =>
    (await judgeLetter(log.cluster, place, { ...options, nowMs, ...more }))?.refusal
  expect(await judged(good)).toBeUndefined()
  expect(await judged(foreign)).toMatch(/only commands and users can be written again/)
  expect(await judgeLetter(log.cluster, { partition: 0, offset: 1_000 }, { ...options, nowMs })).toBeUndefined()

  expect(await putLetterBack(log.cluster, foreign, { ...options, nowMs })).toMatchObject({ kind: 'refused' })
  expect(await putLetterBack(log.cluster, { partition: 0, offset: 1_000 }, { ...options, nowMs })).toBeUndefined()
  expect(await log.records(topicNames.commands)).toEqual([])
  const back = await putLetterBack(log.cluster, good, { ...options, nowMs })
  expect(back).toEqual({ kind: 'written', place: expect.stringMatching(/^commands\/\d\/0$/), answer: undefined })
  const [command] = await log.records(topicNames.commands)
  expect([command?.key?.toString(), command?.value?.toString()]).toEqual(['ann', '{"amount":1}'])
  expect(command?.headers.map(([name]) => name).sort()).toEqual(Object.keys(key).sort())

  // At the bound it is read, just past it no more.
  for (let n = 1; n < 100; n++) await log.put({ topic: topicNames.commands, key: 'bob', value: '{}', timestamp: at })
  expect(await judged(good)).toBeUndefined()
  await log.put({ topic: topicNames.commands, key: 'bob', value: '{}', timestamp: at })
  expect(await judged(good)).toBe(
    '101 offsets of commands would have to be searched, and at most 100 are searched here: use npm run dead-letters',
  )
  expect(await judged(good, { mostOffsets: 101 })).toBeUndefined()
  expect(await judged(good, { nowMs: at + 24 * 3_600_000 })).toContain('keys are kept for 24 hours')
}, 30_000)
