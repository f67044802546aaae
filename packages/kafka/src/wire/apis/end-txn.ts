/**
 * EndTxn (key 26), versions 0 to 4, flexible from 3.
 * Version 5 bumps the producer's epoch with each transaction (KIP-890) and isn't spoken.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_EndTxn
 */
import { defineApi } from '../api.ts'
import { bool, int16, int32, int64, string } from '../layout.ts'

export const endTxn = defineApi({
  key: 26,
  name: 'EndTxn',
  minVersion: 0,
  maxVersion: 4,
  firstFlexible: 3,
  request: {
    transactionalId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    committed: bool(),
  },
  response: {
    throttleTimeMs: int32({}),
    errorCode: int16(),
  },
})
