/**
 * EndTxn (key 26), versions 0 to 5, flexible from 3.
 * Version 5 returns the producer's next epoch, or its next id, at the end of each transaction (KIP-890).
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_EndTxn
 */
import { defineApi } from '../api.ts'
import { bool, int16, int32, int64, string } from '../layout.ts'

export const endTxn = defineApi({
  key: 26,
  name: 'EndTxn',
  minVersion: 0,
  maxVersion: 5,
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
    producerId: int64({ since: 5, default: -1 }),
    producerEpoch: int16({ since: 5, default: -1 }),
  },
})
