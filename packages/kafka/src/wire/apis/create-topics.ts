/**
 * CreateTopics (key 19), versions 0 to 7, flexible from 5.
 * From version 4 on, -1 asks for the broker's default of partitions and replication; 5 returns the configuration, 7 the id.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_CreateTopics
 */
import { defineApi } from '../api.ts'
import { array, bool, int8, int16, int32, list, nullableArray, nullableString, string, uuid } from '../layout.ts'

export const createTopics = defineApi({
  key: 19,
  name: 'CreateTopics',
  minVersion: 0,
  maxVersion: 7,
  firstFlexible: 5,
  request: {
    topics: array({
      name: string(),
      numPartitions: int32(),
      replicationFactor: int16(),
      assignments: array({ partitionIndex: int32(), brokerIds: list(int32()) }, {}),
      configs: array({ name: string(), value: nullableString({}) }, {}),
    }),
    timeoutMs: int32({ default: 60000 }),
    validateOnly: bool({ since: 1 }),
  },
  response: {
    throttleTimeMs: int32({ since: 2 }),
    topics: array({
      name: string(),
      topicId: uuid({ since: 7 }),
      errorCode: int16(),
      errorMessage: nullableString({ since: 1 }),
      topicConfigErrorCode: int16({ since: 5, tag: 0 }),
      numPartitions: int32({ since: 5, default: -1 }),
      replicationFactor: int16({ since: 5, default: -1 }),
      configs: nullableArray(
        {
          name: string(),
          value: nullableString({}),
          readOnly: bool(),
          configSource: int8({ default: -1 }),
          isSensitive: bool(),
        },
        { since: 5 },
      ),
    }),
  },
})
