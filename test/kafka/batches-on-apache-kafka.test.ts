import { afterAll, beforeAll, expect, test } from 'vitest'
import { batchCases } from '../../packages/kafka/test/cases/batch-cases.ts'
import { type CaseAnswer, produceCases } from '../../packages/kafka/test/support/produce-cases.ts'
import { type ApacheKafka, startApacheKafka } from '../support/apache-kafka/apache-kafka.ts'

let kafka: ApacheKafka
let answers: Map<string, CaseAnswer>

beforeAll(async () => {
  kafka = await startApacheKafka()
  answers = await produceCases(kafka.brokers[0] ?? '')
}, 240_000)

afterAll(() => kafka.close())

test.each(batchCases.map((one) => [one.what, one] as const))(
  'Apache Kafka answers what the list says: %s',
  (what, one) => {
    expect(answers.get(what)?.code).toBe(one.kafka)
    if (one.wrong) expect(answers.get(what)?.wrong).toEqual(one.wrong)
  },
)
