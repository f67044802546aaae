/**
 * AlterReplicaLogDirs (key 34), versions 1 to 2, flexible from 2.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_AlterReplicaLogDirs
 */
import { defineApi } from '../api.ts'
import { array, int16, int32, list, string } from '../layout.ts'

export const alterReplicaLogDirs = defineApi({
  key: 34,
  name: 'AlterReplicaLogDirs',
  minVersion: 1,
  maxVersion: 2,
  firstFlexible: 2,
  request: {
    dirs: array({ path: string(), topics: array({ name: string(), partitions: list(int32()) }) }),
  },
  response: {
    throttleTimeMs: int32({}),
    results: array({
      topicName: string(),
      partitions: array({ partitionIndex: int32(), errorCode: int16() }),
    }),
  },
})
