/**
 * DescribeLogDirs (key 35), versions 0 to 4, flexible from 2.
 * Null topics ask for all. Version 3 brought an error for the whole response, 4 the size of the disk.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_DescribeLogDirs
 */
import { defineApi } from '../api.ts'
import { array, bool, int16, int32, int64, list, nullableArray, string } from '../layout.ts'

export const describeLogDirs = defineApi({
  key: 35,
  name: 'DescribeLogDirs',
  minVersion: 0,
  maxVersion: 4,
  firstFlexible: 2,
  request: {
    topics: nullableArray({ topic: string(), partitions: list(int32()) }),
  },
  response: {
    throttleTimeMs: int32({}),
    errorCode: int16({ since: 3 }),
    results: array({
      errorCode: int16(),
      logDir: string(),
      topics: array({
        name: string(),
        partitions: array({ partitionIndex: int32(), partitionSize: int64(), offsetLag: int64(), isFutureKey: bool() }),
      }),
      totalBytes: int64({ since: 4, default: -1 }),
      usableBytes: int64({ since: 4, default: -1 }),
    }),
  },
})
