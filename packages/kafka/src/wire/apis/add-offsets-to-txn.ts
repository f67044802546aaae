/**
 * AddOffsetsToTxn (key 25), versions 0 to 4, flexible from 3.
 * Adds the partition of a group's offsets to the transaction.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_AddOffsetsToTxn
 */
import { defineApi } from '../api.ts'
import { int16, int32, int64, string } from '../layout.ts'

export const addOffsetsToTxn = defineApi({
  key: 25,
  name: 'AddOffsetsToTxn',
  minVersion: 0,
  maxVersion: 4,
  firstFlexible: 3,
  request: {
    transactionalId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    groupId: string(),
  },
  response: {
    throttleTimeMs: int32({}),
    errorCode: int16(),
  },
})
