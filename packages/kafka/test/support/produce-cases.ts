/** Sends the batches of the shared list to a log, each on its own, and says what came back. */
import { setTimeout as delay } from 'node:timers/promises'
import { apis, type ErrorName, errorByCode } from '../../src/wire/index.ts'
import { type BatchCase, batchCases } from '../cases/batch-cases.ts'
import { WireConnection } from './wire-connection.ts'

export type CaseAnswer = { readonly code: ErrorName; readonly wrong: readonly number[] }

export type CaseTopics = { readonly plain: string; readonly compacted: string }

const topics: CaseTopics = { plain: 'batches', compacted: 'compacted-batches' }
const readyAttempts = 100

/** @returns the answers, by the names of the cases */
export async function produceCases(address: string): Promise<Map<string, CaseAnswer>> {
  const connection = await WireConnection.open(address)
  try {
    await makeTopics(connection)
    const answers = new Map<string, CaseAnswer>()
    for (const one of batchCases) answers.set(one.what, await produceCase(connection, one))
    return answers
  } finally {
    connection.close()
  }
}

export async function produceCase(connection: WireConnection, one: BatchCase): Promise<CaseAnswer> {
  const name = one.compacted ? topics.compacted : topics.plain
  const response = await connection.call(apis.produce, {
    acks: -1,
    timeoutMs: 10_000,
    topicData: [{ name, partitionData: [{ index: 0, records: Buffer.from(one.bytes) }] }],
  })
  const answer = response.responses[0]?.partitionResponses[0]
  if (answer === undefined) throw new Error(`no answer for ${one.what}`)
  return { code: errorByCode(answer.errorCode).name, wrong: answer.recordErrors.map(({ batchIndex }) => batchIndex) }
}

/** A leader may take a moment. */
async function makeTopics(connection: WireConnection): Promise<void> {
  const plan = (name: string, policy: string) => ({
    name,
    numPartitions: 1,
    replicationFactor: 1,
    configs: [{ name: 'cleanup.policy', value: policy }],
  })
  const wanted = [plan(topics.plain, 'delete'), plan(topics.compacted, 'compact')]
  await connection.call(apis.createTopics, { topics: wanted, timeoutMs: 10_000 })
  for (let attempt = 0; attempt < readyAttempts; attempt++) {
    const codes = await Promise.all(
      wanted.map(async ({ name }) => {
        const { topics: answers } = await connection.call(
          apis.listOffsets,
          {
            topics: [{ name, partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
          },
          { version: 5 },
        )
        return answers[0]?.partitions[0]?.errorCode
      }),
    )
    if (codes.every((code) => code === 0)) return
    await delay(50)
  }
  throw new Error('the topics have no leader')
}
