import { pino } from 'pino'
import { afterEach, expect, it } from 'vitest'
import { defineGateway, startGateway } from '../src/index.ts'
import { definition } from './support/definition.ts'
import { testCertificate } from './support/test-gateway.ts'
import { openTestLog, type TestLog } from './support/test-log.ts'

let log: TestLog | undefined
afterEach(async () => {
  await log?.close()
  log = undefined
})

async function start(topics: typeof definition.topics, partitions: number) {
  log = await openTestLog(topics, partitions)
  return startGateway(defineGateway(definition), {
    cluster: log.cluster,
    tls: await testCertificate(),
    host: '127.0.0.1',
    port: 0,
    issuer: { issuer: 'http://127.0.0.1:1', audience: 'x' },
    logger: pino({ level: 'silent' }),
  })
}

it('does not start without a topic that it needs, and names it', async () => {
  await expect(
    start(
      definition.topics.filter(({ name }) => name !== 'news'),
      1,
    ),
  ).rejects.toThrow('The log has no topic "news"')
})

it('does not start on topics whose positions would not fit into an event id', async () => {
  await expect(start(definition.topics, 40)).rejects.toThrow(/has 40 partitions; a view of it can follow at most 2\d/)
})

it('is not called ready when it is closed before its views are', async () => {
  const gateway = await start(definition.topics, 1)
  // Its first poll is yet to come.
  const [isReady] = await Promise.all([gateway.ready, gateway.close()])
  expect(isReady).toBe(false)
})
