/** TLS and SASL, as a log in production requires them. */
import {
  type ClientOptions,
  openAdmin,
  openCluster,
  openProducer,
  openReader,
  type SaslMechanism,
} from '@streampay/kafka'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type ApacheKafka, startApacheKafka } from '../support/apache-kafka/apache-kafka.ts'

const credentials = { username: 'streampay', password: 'correct-horse' }
const mechanisms: readonly SaslMechanism[] = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']

let kafka: ApacheKafka

beforeAll(async () => {
  kafka = await startApacheKafka({ secured: credentials })
}, 240_000)

afterAll(() => kafka.close())

function clusterWith(options: Partial<ClientOptions>) {
  if (kafka.secured === null) throw new Error('the secured listener was not asked for')
  const { brokers, ca } = kafka.secured
  const cluster = openCluster({ brokers, clientId: 'streampay-test', tls: { ca }, ...options })
  onTestFinished(() => cluster.close())
  return cluster
}

describe('a log that requires TLS and SASL', () => {
  it.each(mechanisms)('is written and read with %s', async (mechanism) => {
    const cluster = clusterWith({ sasl: { mechanism, ...credentials } })
    const name = `secured-${mechanism.toLowerCase()}`
    await openAdmin(cluster).createTopics([{ name, partitions: 1 }])
    await openProducer(cluster).send([{ topic: name, key: null, value: 'safe' }])
    const reader = openReader(cluster)
    reader.assign([{ topic: name, partition: 0, offset: 0 }])
    const [fetched] = await reader.poll({ timeoutMs: 10_000 })
    expect(String(fetched?.records[0]?.value)).toBe('safe')
  })

  it.each(mechanisms)(
    'refuses a wrong password with %s at once, instead of being asked again and again',
    async (mechanism) => {
      const cluster = clusterWith({ sasl: { mechanism, ...credentials, password: 'wrong' } })
      await expect(cluster.ready()).rejects.toMatchObject({ code: 'KAFKA_AUTHENTICATION', retriable: false })
    },
  )

  it('is not trusted without its certificate authority', async () => {
    const cluster = clusterWith({ sasl: { mechanism: 'SCRAM-SHA-256', ...credentials }, tls: {} })
    await expect(cluster.ready()).rejects.toMatchObject({ code: 'KAFKA_AUTHENTICATION' })
  })
})
