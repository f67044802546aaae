/**
 * Produce (key 0), versions 0 to 12, flexible from 9.
 * Version 3 brought record batches of today's format and transactional.id, 5 the log start offset, 8 errors by record,
 * 10 the new leader after a refusal. Version 12 has the layout of 11; its writes add partitions to a transaction (KIP-890).
 * With acks 0 there is no response at all.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_Produce
 */
import { defineApi } from '../api.ts'
import { array, int16, int32, int64, nullableString, records, string, struct } from '../layout.ts'

export const produce = defineApi({
  key: 0,
  name: 'Produce',
  minVersion: 0,
  maxVersion: 12,
  firstFlexible: 9,
  request: {
    transactionalId: nullableString({ since: 3 }),
    acks: int16(),
    timeoutMs: int32(),
    topicData: array({ name: string(), partitionData: array({ index: int32(), records: records() }) }),
  },
  response: {
    responses: array({
      name: string(),
      partitionResponses: array({
        index: int32(),
        errorCode: int16(),
        baseOffset: int64(),
        logAppendTimeMs: int64({ since: 2, default: -1 }),
        logStartOffset: int64({ since: 5, default: -1 }),
        recordErrors: array({ batchIndex: int32(), batchIndexErrorMessage: nullableString({}) }, { since: 8 }),
        errorMessage: nullableString({ since: 8 }),
        currentLeader: struct(
          { leaderId: int32({ default: -1 }), leaderEpoch: int32({ default: -1 }) },
          { since: 10, tag: 0 },
        ),
      }),
    }),
    throttleTimeMs: int32({ since: 1 }),
    nodeEndpoints: array(
      { nodeId: int32(), host: string(), port: int32(), rack: nullableString() },
      { since: 10, tag: 0 },
    ),
  },
})
