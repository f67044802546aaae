import { headerNames, topicNames } from '@streampay/domain'
import type { ReceivedRecord } from '@streampay/kafka'
import { expect, test } from 'vitest'
import { CommandWatch } from '../src/running/command-watch.ts'

function record(topic: string, fields: Partial<ReceivedRecord>, headers: Record<string, string>): ReceivedRecord {
  return {
    topic,
    partition: 0,
    offset: 7,
    timestamp: 0,
    key: null,
    value: null,
    ...fields,
    headers: Object.entries(headers).map(([name, value]) => [name, Buffer.from(value)]),
  }
}

function command(id: string, key = `key of ${id}`): ReceivedRecord {
  return record(
    topicNames.commands,
    {},
    {
      [headerNames.correlationId]: id,
      [headerNames.identity]: 'ada',
      [headerNames.idempotencyKey]: key,
      [headerNames.domainModel]: 'PayCommand',
    },
  )
}

function reply(id: string, transferId: string): ReceivedRecord {
  const value = Buffer.from(JSON.stringify({ transferId, balance: 1 }))
  const headers = { [headerNames.status]: '200', [headerNames.replyIdentity]: 'ada' }
  return record(topicNames.replies, { key: Buffer.from(id), value }, headers)
}

// Such a command counted as lost: it was written after the commands were read, and answered before the replies were.
test('an answer may be read before its command', () => {
  const watch = new CommandWatch()
  expect([...watch.addReply(reply('one', 't0-7'))]).toEqual([])
  expect([...watch.addCommand(command('one'))]).toEqual([])
  expect([watch.waiting, [...watch.judge([100])], watch.lost]).toEqual([0, [], 0])
})

test('an intent is seen to be carried out twice, whichever of its answers is read first', () => {
  for (const isEarly of [false, true]) {
    const watch = new CommandWatch()
    const findings = [...watch.addCommand(command('one', 'same')), ...watch.addReply(reply('one', 't0-7'))]
    const second = [command('two', 'same'), reply('two', 't0-8')] as const
    const add = isEarly
      ? [...watch.addReply(second[1]), ...watch.addCommand(second[0])]
      : [...watch.addCommand(second[0]), ...watch.addReply(second[1])]
    expect(findings).toEqual([])
    expect(add.map(({ message }) => message)).toEqual(['one intent was carried out twice: transfers t0-7 and t0-8'])
    expect(watch.doubled).toBe(1)
  }
})

test('the same answer again, and a dead letter, are no fault', () => {
  const watch = new CommandWatch()
  for (const id of ['one', 'two']) {
    const found = [...watch.addCommand(command(id, 'same')), ...watch.addReply(reply(id, 't0-7'))]
    expect(found).toEqual([])
  }
  expect([...watch.addCommand(command('broken'))]).toEqual([])
  watch.addDeadLetter('broken')
  expect([...watch.judge([100])]).toEqual([])
})

test('a command that payments have passed and not answered is lost, and counted once', () => {
  const watch = new CommandWatch()
  expect([...watch.addCommand(command('one'))]).toEqual([])
  expect([...watch.judge([7])]).toEqual([])
  expect([...watch.judge([8])]).toMatchObject([{ invariant: 'INV-3', record: 'commands-0@7' }])
  expect([...watch.judge([8])]).toEqual([])
  expect(watch.lost).toBe(1)
})

// The payments service took the last header of a name, the audit the first: such a command counted as lost.
test('of a header that repeats the last one counts, as for the payments service', () => {
  const watch = new CommandWatch()
  const twice = command('one')
  const headers = [[headerNames.correlationId, Buffer.from('another')] as const, ...twice.headers]
  expect([...watch.addCommand({ ...twice, headers })]).toEqual([])
  expect([...watch.addReply(reply('one', 't0-7'))]).toEqual([])
  expect([watch.waiting, [...watch.judge([100])], watch.lost]).toEqual([0, [], 0])
})
