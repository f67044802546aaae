/**
 * Fetch (key 1), versions 0 to 17, flexible from 12.
 * Version 4 brought isolation levels and aborted transactions, 7 fetch sessions, 11 racks, 12 leader epochs of the log,
 * 13 topic ids in place of names, 15 moved the replica id into a tag, 16 and 17 added endpoints and directory ids.
 * `records` may end in an incomplete batch.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_Fetch
 */
import { defineApi } from '../api.ts'
import {
  array,
  int8,
  int16,
  int32,
  int64,
  list,
  nullableArray,
  nullableString,
  records,
  string,
  struct,
  uuid,
} from '../layout.ts'

export const fetch = defineApi({
  key: 1,
  name: 'Fetch',
  minVersion: 0,
  maxVersion: 17,
  firstFlexible: 12,
  request: {
    clusterId: nullableString({ since: 12, tag: 0 }),
    replicaId: int32({ until: 14, default: -1 }),
    replicaState: struct(
      { replicaId: int32({ default: -1 }), replicaEpoch: int64({ default: -1 }) },
      { since: 15, tag: 1 },
    ),
    maxWaitMs: int32(),
    minBytes: int32(),
    maxBytes: int32({ since: 3, default: 0x7fffffff }),
    isolationLevel: int8({ since: 4 }),
    sessionId: int32({ since: 7 }),
    sessionEpoch: int32({ since: 7, default: -1 }),
    topics: array({
      topic: string({ until: 12 }),
      topicId: uuid({ since: 13 }),
      partitions: array({
        partition: int32(),
        currentLeaderEpoch: int32({ since: 9, default: -1 }),
        fetchOffset: int64(),
        lastFetchedEpoch: int32({ since: 12, default: -1 }),
        logStartOffset: int64({ since: 5, default: -1 }),
        partitionMaxBytes: int32(),
        replicaDirectoryId: uuid({ since: 17, tag: 0 }),
      }),
    }),
    forgottenTopicsData: array(
      { topic: string({ until: 12 }), topicId: uuid({ since: 13 }), partitions: list(int32()) },
      { since: 7 },
    ),
    rackId: string({ since: 11 }),
  },
  response: {
    throttleTimeMs: int32({ since: 1 }),
    errorCode: int16({ since: 7 }),
    sessionId: int32({ since: 7 }),
    responses: array({
      topic: string({ until: 12 }),
      topicId: uuid({ since: 13 }),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        highWatermark: int64(),
        lastStableOffset: int64({ since: 4, default: -1 }),
        logStartOffset: int64({ since: 5, default: -1 }),
        divergingEpoch: struct(
          { epoch: int32({ default: -1 }), endOffset: int64({ default: -1 }) },
          { since: 12, tag: 0 },
        ),
        currentLeader: struct(
          { leaderId: int32({ default: -1 }), leaderEpoch: int32({ default: -1 }) },
          { since: 12, tag: 1 },
        ),
        snapshotId: struct({ endOffset: int64({ default: -1 }), epoch: int32({ default: -1 }) }, { since: 12, tag: 2 }),
        abortedTransactions: nullableArray({ producerId: int64(), firstOffset: int64() }, { since: 4 }),
        preferredReadReplica: int32({ since: 11, default: -1 }),
        records: records(),
      }),
    }),
    nodeEndpoints: array(
      { nodeId: int32(), host: string(), port: int32(), rack: nullableString() },
      { since: 16, tag: 0 },
    ),
  },
})
