import { afterAll, beforeAll, describe } from 'vitest'
import { clientCases } from '../../packages/kafka/test/cases/all.ts'
import { type ApacheKafka, startApacheKafka } from '../support/apache-kafka/apache-kafka.ts'

let kafka: ApacheKafka

beforeAll(async () => {
  // The same cases on another version: APACHE_KAFKA_VERSION=3.9.2.
  const version = process.env.APACHE_KAFKA_VERSION
  kafka = await startApacheKafka(version === undefined ? {} : { version })
}, 240_000)

afterAll(() => kafka.close())

describe('on Apache Kafka', () => {
  clientCases(() => ({
    name: 'Apache Kafka',
    brokers: kafka.brokers,
    stop: () => kafka.stop(),
    start: () => kafka.start(),
    async restart() {
      await kafka.stop()
      await kafka.start()
    },
    close: () => kafka.close(),
  }))
})
