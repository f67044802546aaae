/**
 * InitProducerId (key 22), versions 0 to 5, flexible from 2.
 * From version 3 on a producer may send its present id and epoch to get the next epoch (KIP-360); 4 may answer PRODUCER_FENCED.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_InitProducerId
 */
import { defineApi } from '../api.ts'
import { int16, int32, int64, nullableString } from '../layout.ts'

export const initProducerId = defineApi({
  key: 22,
  name: 'InitProducerId',
  minVersion: 0,
  maxVersion: 5,
  firstFlexible: 2,
  request: {
    transactionalId: nullableString({}),
    transactionTimeoutMs: int32(),
    producerId: int64({ since: 3, default: -1 }),
    producerEpoch: int16({ since: 3, default: -1 }),
  },
  response: {
    throttleTimeMs: int32({}),
    errorCode: int16(),
    producerId: int64({ default: -1 }),
    producerEpoch: int16({ default: -1 }),
  },
})
