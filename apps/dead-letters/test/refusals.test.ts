/** Refusals of a replay, because of the log or because of the letter itself; and the tool's output. */
import { headerNames, topicNames } from '@streampay/domain'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { deadLetters, deadLettersProcess } from './support/command.ts'
import { openTestLog, type TestLog } from './support/log.ts'

const hour = 60 * 60 * 1000
const now = Date.now()
let log: TestLog

beforeAll(async () => {
  log = await openTestLog()
  await log.createPlainTopics()
})
afterAll(() => log.close())

const command = (identity: string, key: string, timestamp: number) => ({
  topic: topicNames.commands,
  key: identity,
  value: '{}',
  headers: { [headerNames.idempotencyKey]: key },
  timestamp,
})

const letterOf = (record: ReturnType<typeof command>, headers: Record<string, string> = {}) => ({
  ...record,
  topic: topicNames.deadLetters,
  headers: { ...record.headers, origin: 'commands/0/0', reason: 'no', ...headers },
})

async function idOf(letter: ReturnType<typeof letterOf>): Promise<string> {
  const [at] = await log.put(letter)
  return `${at?.partition}/${at?.offset}`
}

describe('replay', () => {
  it('counts from the first command with the same key, which may be the one that was carried out', async () => {
    await log.put(command('ann', 'reused', now - 23.5 * hour), command('ann', 'fresh', now - 22 * hour))
    await log.put(command('bob', 'reused', now - 1 * hour))
    const ids = [
      await idOf(letterOf(command('ann', 'reused', now - 2 * hour))),
      await idOf(letterOf(command('ann', 'fresh', now - 2 * hour))),
      await idOf(letterOf(command('bob', 'reused', now - 2 * hour))),
    ]
    const { code, output } = await deadLetters(log.port, 'replay', ...ids)
    expect(output).toContain(`${ids[0]}  refused: the first command with its idempotency key is from`)
    expect(output).toContain('2 of 3 letters can be put back')
    expect(code).toBe(1)
    // A key that had expired before the letter's command came is no reason to refuse.
    await log.put(command('cid', 'old', now - 26 * hour), command('cid', 'other', now - 25 * hour))
    const { output: later } = await deadLetters(log.port, 'replay', await idOf(letterOf(command('cid', 'old', now))))
    expect(later).toContain('1 of 1 letters can be put back')
  })

  it('refuses when the commands before it are no longer all on the log', async () => {
    const first = [command('dot', 'a', now - 5 * hour), command('dot', 'b', now - 4 * hour)]
    const [at] = await log.put(...first)
    const id = await idOf(letterOf(command('dot', 'c', now)))
    expect((await deadLetters(log.port, 'replay', id)).code).toBe(0)
    const place = { topic: topicNames.commands, partition: at?.partition ?? 0 }
    await log.admin.deleteRecords([{ ...place, beforeOffset: (at?.offset ?? 0) + 1 }])
    const { code, output } = await deadLetters(log.port, 'replay', id, '--yes')
    expect([code, output]).toEqual([1, expect.stringContaining('there may be earlier commands with its key')])
  })

  it('refuses a truncated letter, one without an idempotency key, and one of another topic', async () => {
    const good = command('eve', 'k', now)
    const ids = [
      await idOf(letterOf(good, { truncated: '2000000' })),
      await idOf(letterOf(good, { [headerNames.idempotencyKey]: '' })),
      await idOf(letterOf(good, { origin: 'transactions/0/0' })),
    ]
    const before = await log.records(topicNames.commands)
    const { code, output } = await deadLetters(log.port, 'replay', ...ids, '--yes')
    expect(output.match(/refused: /g)).toHaveLength(3)
    expect(code).toBe(1)
    expect(await log.records(topicNames.commands)).toHaveLength(before.length)
  })

  it('names letters that are not there', async () => {
    const { code, output } = await deadLetters(log.port, 'replay', '0/4711', '9/0')
    expect([code, output]).toEqual([1, expect.stringContaining('There is no dead letter 0/4711.')])
    expect(output).toContain('There is no dead letter 9/0.')
  })
})

describe('list and show', () => {
  it('print no control characters of a record to the terminal', async () => {
    const id = await idOf(letterOf(command('\u001b[2J', 'k\u202e', now), { reason: '\u0007\nfake line' }))
    for (const args of [['list'], ['show', id]]) {
      const { output } = await deadLetters(log.port, ...args)
      expect(output).toContain('\\u{7}\\u{a}fake line')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not be printed.
      expect(output).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/)
    }
  })

  it('show the reason at 80 columns, however long the key is', async () => {
    const reason = 'the value is not valid JSON'
    await log.put(letterOf(command('g'.repeat(255), 'k', now), { reason }))
    await log.put(letterOf(command('h'.repeat(255), 'k', now), { reason: 'r'.repeat(1_000) }))
    const { output } = await deadLetters(log.port, 'list')
    const lines = output.split('\n')
    expect(lines.some((line) => line.slice(0, 80).includes(reason))).toBe(true)
    expect(lines.some((line) => /^ {6}r+…$/.test(line))).toBe(true)
    expect(lines.filter((line) => line.length > 80)).toEqual([])
  })

  it('show the newest letters when there are more than the limit', async () => {
    const times = [1, 3, 2].map((n) => Date.UTC(2026, 0, n))
    for (const at of times) await log.put(letterOf(command('fay', 'k', at)))
    const { output } = await deadLetters(log.port, 'list', '--key', 'fay', '--limit', '2')
    expect(output.match(/2026-01-0\d/g)).toEqual(['2026-01-02', '2026-01-03'])
    expect(output).toContain('1 older ones are not shown')
  })
})

describe('the exit code', () => {
  it('is 2 for an empty command line, and 0 for the help', async () => {
    expect(await deadLettersProcess(log.port, 'replay')).toMatchObject({
      code: 2,
      output: expect.stringContaining('--all'),
    })
    expect(await deadLettersProcess(log.port, '--help')).toMatchObject({
      code: 0,
      output: expect.stringContaining('Exit codes'),
    })
  })

  it('is 3 without a log', async () => {
    const { code, output } = await deadLettersProcess(1, 'list')
    expect([code, output]).toEqual([3, expect.stringContaining('127.0.0.1:1')])
  })
})
