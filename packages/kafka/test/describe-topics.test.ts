/** A topic that one answer has and the other one has not: its description is two answers, perhaps of two brokers. */
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { BrokerError } from '../src/index.ts'
import { apis, errors } from '../src/wire/index.ts'
import { clientsOf } from './support/clients.ts'
import { type LogUnderTest, startEmbeddedLog } from './support/log-under-test.ts'

let log: LogUnderTest

beforeAll(async () => {
  log = await startEmbeddedLog()
})

afterAll(() => log.close())

/** Before the first question for configurations is asked, this happens. */
function beforeConfigs({ cluster }: ReturnType<typeof clientsOf>, happens: () => Promise<void>) {
  const ask = cluster.anyBroker.bind(cluster)
  let asked = 0
  vi.spyOn(cluster, 'anyBroker').mockImplementation(async (api, body, connections) => {
    if ((api as { key: number }).key === apis.describeConfigs.key && asked++ === 0) await happens()
    return await ask(api, body, connections)
  })
  return () => asked
}

it('asks again if the broker that is asked for the configuration does not know the topic yet', async () => {
  const clients = clientsOf(log)
  const name = await clients.topic(2, { 'retention.ms': '1234567' })
  const asked = beforeConfigs(clients, async () => {
    throw new BrokerError(errors.UNKNOWN_TOPIC_OR_PARTITION, `describing the configuration of ${name}`)
  })
  const [description] = await clients.admin.describeTopics([name])
  expect(description?.configs).toMatchObject({ 'retention.ms': '1234567' })
  expect(asked()).toBe(2)
})

it('leaves out a topic that is deleted between the two answers', async () => {
  const clients = clientsOf(log)
  const [kept, deleted] = [await clients.topic(1), await clients.topic(1)]
  const { admin } = clientsOf(log)
  beforeConfigs(clients, () => admin.deleteTopics([deleted]))
  expect((await clients.admin.describeTopics([kept, deleted])).map(({ name }) => name)).toEqual([kept])
})
