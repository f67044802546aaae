/**
 * ListTransactions (key 66), versions 0 to 1, flexible from 0.
 * Version 1 filters by how long a transaction has been open.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_ListTransactions
 */
import { defineApi } from '../api.ts'
import { array, int16, int32, int64, list, string } from '../layout.ts'

export const listTransactions = defineApi({
  key: 66,
  name: 'ListTransactions',
  minVersion: 0,
  maxVersion: 1,
  firstFlexible: 0,
  request: {
    stateFilters: list(string()),
    producerIdFilters: list(int64()),
    durationFilter: int64({ since: 1, default: -1 }),
  },
  response: {
    throttleTimeMs: int32({}),
    errorCode: int16(),
    unknownStateFilters: list(string(), {}),
    transactionStates: array({ transactionalId: string(), producerId: int64(), transactionState: string() }),
  },
})
