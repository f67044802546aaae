import { apis } from '@streampay/kafka/wire'
import { expect, test } from 'vitest'
import type { Logger } from '../src/index.ts'
import { batchOf } from './support/batches.ts'
import { createTopic, testBroker, wireClient } from './support/test-broker.ts'

type Line = { readonly level: string; readonly details: object; readonly message: string }

function keepingLogger(): { lines: Line[]; logger: Logger } {
  const lines: Line[] = []
  const keep = (level: string) => (details: object, message: string) => lines.push({ level, details, message })
  return { lines, logger: { debug: keep('debug'), info: keep('info'), warn: keep('warn'), error: keep('error') } }
}

// Malformed batch headers were logged at level error with a stack, 974 times in 20,000 frames.
test('what clients send is never an error in the log: malformed batches, wrong batches without acks, frames', async () => {
  const { lines, logger } = keepingLogger()
  const broker = await testBroker({ logger })
  const client = await wireClient(broker)
  await createTopic(client, 'events')
  const produce = async (records: Buffer, acks = -1) => {
    const topicData = [{ name: 'events', partitionData: [{ index: 0, records }] }]
    return (await client.call(apis.produce, { acks, timeoutMs: 1000, topicData })).responses
  }
  for (let at = 0; at < 61; at++) {
    for (const value of [0x00, 0x7f, 0x80, 0xff]) {
      const batch = batchOf(['a'])
      batch[at] = value
      await produce(batch)
    }
  }
  for (let connection = 0; connection < 20; connection++) {
    const strange = await wireClient(broker)
    strange.send(Buffer.from([connection]))
    await strange.closed
  }
  produce(Buffer.alloc(3), 0).catch(() => undefined)
  await client.closed
  expect(lines.filter(({ level }) => level === 'error')).toEqual([])
  expect(lines.filter(({ level }) => level === 'warn').length).toBeGreaterThan(0)
})
