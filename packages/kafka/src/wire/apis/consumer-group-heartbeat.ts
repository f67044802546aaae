/**
 * ConsumerGroupHeartbeat (key 68), versions 0 to 1, flexible from 0.
 * The new group protocol (KIP-848); version 1 brought subscriptions by regular expression.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_ConsumerGroupHeartbeat
 */
import { defineApi } from '../api.ts'
import {
  array,
  int16,
  int32,
  list,
  nullableArray,
  nullableList,
  nullableString,
  string,
  struct,
  uuid,
} from '../layout.ts'

export const consumerGroupHeartbeat = defineApi({
  key: 68,
  name: 'ConsumerGroupHeartbeat',
  minVersion: 0,
  maxVersion: 1,
  firstFlexible: 0,
  request: {
    groupId: string(),
    memberId: string(),
    memberEpoch: int32(),
    instanceId: nullableString({}),
    rackId: nullableString({}),
    rebalanceTimeoutMs: int32({ default: -1 }),
    subscribedTopicNames: nullableList(string()),
    subscribedTopicRegex: nullableString({ since: 1 }),
    serverAssignor: nullableString({}),
    topicPartitions: nullableArray({ topicId: uuid(), partitions: list(int32()) }),
  },
  response: {
    throttleTimeMs: int32({}),
    errorCode: int16(),
    errorMessage: nullableString({}),
    memberId: nullableString({}),
    memberEpoch: int32({}),
    heartbeatIntervalMs: int32({}),
    assignment: struct({ topicPartitions: array({ topicId: uuid(), partitions: list(int32()) }) }),
  },
})
