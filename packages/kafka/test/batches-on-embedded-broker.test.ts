import { afterAll, beforeAll, expect, test } from 'vitest'
import { batchCases } from './cases/batch-cases.ts'
import { clientsOf } from './support/clients.ts'
import { type LogUnderTest, startEmbeddedLog } from './support/log-under-test.ts'
import { type CaseAnswer, produceCases } from './support/produce-cases.ts'

let log: LogUnderTest
let answers: Map<string, CaseAnswer>

beforeAll(async () => {
  log = await startEmbeddedLog()
  answers = await produceCases(log.brokers[0] ?? '')
})

afterAll(() => log.close())

// One batch whose value was longer than its record was acknowledged, and stopped every reader of its topic.
test.each(batchCases.map((one) => [one.what, one] as const))(
  'the embedded broker answers as Kafka: %s',
  (what, one) => {
    const code = one.ours?.code ?? one.kafka
    expect(answers.get(what)?.code).toBe(code)
    if (one.wrong) expect(answers.get(what)?.wrong).toEqual(one.wrong)
  },
)

test('what the embedded broker has acknowledged of the shared batches is read to the end', async () => {
  const taken = batchCases.filter((one) => (one.ours?.code ?? one.kafka) === 'NONE')
  const plain = taken.filter((one) => !one.compacted).map(({ bytes }) => bytes.readInt32BE(57))
  const compacted = taken.filter((one) => one.compacted).map(({ bytes }) => bytes.readInt32BE(57))
  const sum = (counts: number[]) => counts.reduce((total, count) => total + count, 0)
  const { readAll } = clientsOf(log)
  expect(await readAll('batches')).toHaveLength(sum(plain))
  expect(await readAll('compacted-batches')).toHaveLength(sum(compacted))
})
