/** The fixtures of Vitest, as a test file uses them: tests of a file share a broker, and what one orders ends with it. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { openProducer } from '@streampay/kafka'
import { expect, test as plainTest } from 'vitest'
import type { Broker, Fault } from '../src/index.ts'
import { brokerTest, test } from '../src/vitest.ts'
import { newsClient, newsOf } from './support/client.ts'

const run = promisify(execFile)

let ofTheFile: Broker | undefined
let ordered: Fault | undefined

test.beforeAll(({ broker }) => {
  ofTheFile = broker
})

test('the broker is that of the hooks of the file', async ({ broker }) => {
  expect(broker).toBe(ofTheFile)
  const { cluster } = await newsClient(broker)
  const producer = openProducer(cluster)
  await producer.send([{ topic: 'news', key: null, value: 'of the first test' }])
  await producer.close()
})

test('another test of the file finds what the first one wrote', async ({ broker, faults }) => {
  const { cluster } = await newsClient(broker)
  expect(await newsOf(cluster)).toEqual(['of the first test'])
  ordered = faults.drop({ api: 'metadata' })
})

test('what a test ordered is over with it', async ({ broker }) => {
  await newsClient(broker)
  expect(ordered?.hits).toBe(0)
})

const withTopics = brokerTest({ config: { autoCreateTopics: true, defaultPartitions: 3 } })

withTopics('another fixture has a broker of its own, with its options', async ({ broker }) => {
  expect(broker).not.toBe(ofTheFile)
  const { admin } = await newsClient(broker)
  expect(await admin.listTopics()).toEqual(['news'])
})

plainTest('each file has a broker of its own, which is closed before the next one begins', async () => {
  const root = fileURLToPath(new URL('support/fixture-files', import.meta.url))
  const vitest = fileURLToPath(new URL('../vitest.mjs', import.meta.resolve('vitest')))
  const { stdout } = await run(process.execPath, [vitest, 'run', '--root', root], {
    env: { ...process.env, NO_COLOR: '1' },
  })
  expect(stdout).toMatch(/Test Files +2 passed \(2\)\n +Tests +4 passed \(4\)/)
})
