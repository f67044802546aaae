import { afterAll, beforeAll, describe } from 'vitest'
import { clientCases } from '../../packages/kafka/test/cases/all.ts'
import { type ApacheKafka, startApacheKafka } from '../support/apache-kafka/apache-kafka.ts'

let kafka: ApacheKafka

beforeAll(async () => {
  kafka = await startApacheKafka()
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
