/**
 * DeleteRecords (key 21), versions 0 to 2, flexible from 2.
 * Offset -1 stands for the high watermark.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_DeleteRecords
 */
import { defineApi } from '../api.ts'
import { array, int16, int32, int64, string } from '../layout.ts'

export const deleteRecords = defineApi({
  key: 21,
  name: 'DeleteRecords',
  minVersion: 0,
  maxVersion: 2,
  firstFlexible: 2,
  request: {
    topics: array({ name: string(), partitions: array({ partitionIndex: int32(), offset: int64() }) }),
    timeoutMs: int32(),
  },
  response: {
    throttleTimeMs: int32({}),
    topics: array({
      name: string(),
      partitions: array({ partitionIndex: int32(), lowWatermark: int64(), errorCode: int16() }),
    }),
  },
})
