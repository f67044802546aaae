/**
 * Metadata (key 3), versions 0 to 13, flexible from 9.
 * No topics in version 0 and null from version 1 on mean all of them. Topic ids came with 10, requests by id alone work from
 * 12 on, and 13 has an error for the whole response. Authorized operations that are left out have the lowest int32.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_Metadata
 */
import { defineApi } from '../api.ts'
import { array, bool, int16, int32, list, nullableArray, nullableString, string, uuid } from '../layout.ts'

const NOT_ASKED = -2147483648

export const metadata = defineApi({
  key: 3,
  name: 'Metadata',
  minVersion: 0,
  maxVersion: 13,
  firstFlexible: 9,
  request: {
    topics: nullableArray({ topicId: uuid({ since: 10 }), name: nullableString({}) }),
    allowAutoTopicCreation: bool({ since: 4, default: true }),
    includeClusterAuthorizedOperations: bool({ since: 8, until: 10 }),
    includeTopicAuthorizedOperations: bool({ since: 8 }),
  },
  response: {
    throttleTimeMs: int32({ since: 3 }),
    brokers: array({ nodeId: int32(), host: string(), port: int32(), rack: nullableString({ since: 1 }) }),
    clusterId: nullableString({ since: 2 }),
    controllerId: int32({ since: 1, default: -1 }),
    topics: array({
      errorCode: int16(),
      name: nullableString({}),
      topicId: uuid({ since: 10 }),
      isInternal: bool({ since: 1 }),
      partitions: array({
        errorCode: int16(),
        partitionIndex: int32(),
        leaderId: int32(),
        leaderEpoch: int32({ since: 7, default: -1 }),
        replicaNodes: list(int32()),
        isrNodes: list(int32()),
        offlineReplicas: list(int32(), { since: 5 }),
      }),
      topicAuthorizedOperations: int32({ since: 8, default: NOT_ASKED }),
    }),
    clusterAuthorizedOperations: int32({ since: 8, until: 10, default: NOT_ASKED }),
    errorCode: int16({ since: 13 }),
  },
})
