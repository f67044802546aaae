/**
 * ElectLeaders (key 43), versions 0 to 2, flexible from 2.
 * Version 1 brought unclean elections. Null partitions ask for all.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_ElectLeaders
 */
import { defineApi } from '../api.ts'
import { array, int8, int16, int32, list, nullableArray, nullableString, string } from '../layout.ts'

export const electLeaders = defineApi({
  key: 43,
  name: 'ElectLeaders',
  minVersion: 0,
  maxVersion: 2,
  firstFlexible: 2,
  request: {
    electionType: int8({ since: 1 }),
    topicPartitions: nullableArray({ topic: string(), partitions: list(int32()) }),
    timeoutMs: int32({ default: 60000 }),
  },
  response: {
    throttleTimeMs: int32({}),
    errorCode: int16({ since: 1 }),
    replicaElectionResults: array({
      topic: string(),
      partitionResult: array({ partitionId: int32(), errorCode: int16(), errorMessage: nullableString({}) }),
    }),
  },
})
