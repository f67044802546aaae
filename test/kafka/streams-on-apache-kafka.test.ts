import { afterAll, beforeAll, describe } from 'vitest'
import { exactlyOnceCases } from '../../packages/streams/test/cases/exactly-once.ts'
import { type ApacheKafka, startApacheKafka } from '../support/apache-kafka/apache-kafka.ts'

let kafka: ApacheKafka

beforeAll(async () => {
  kafka = await startApacheKafka()
}, 240_000)

afterAll(() => kafka.close())

describe('streams on Apache Kafka', () => exactlyOnceCases(() => kafka.brokers))
