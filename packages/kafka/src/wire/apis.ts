import type { AnyApi } from './api.ts'
import { addOffsetsToTxn } from './apis/add-offsets-to-txn.ts'
import { addPartitionsToTxn } from './apis/add-partitions-to-txn.ts'
import { apiVersions } from './apis/api-versions.ts'
import { createTopics } from './apis/create-topics.ts'
import { deleteTopics } from './apis/delete-topics.ts'
import { describeConfigs } from './apis/describe-configs.ts'
import { describeGroups } from './apis/describe-groups.ts'
import { endTxn } from './apis/end-txn.ts'
import { fetch } from './apis/fetch.ts'
import { findCoordinator } from './apis/find-coordinator.ts'
import { heartbeat } from './apis/heartbeat.ts'
import { initProducerId } from './apis/init-producer-id.ts'
import { joinGroup } from './apis/join-group.ts'
import { leaveGroup } from './apis/leave-group.ts'
import { listGroups } from './apis/list-groups.ts'
import { listOffsets } from './apis/list-offsets.ts'
import { metadata } from './apis/metadata.ts'
import { offsetCommit } from './apis/offset-commit.ts'
import { offsetFetch } from './apis/offset-fetch.ts'
import { produce } from './apis/produce.ts'
import { saslHandshake } from './apis/sasl-handshake.ts'
import { syncGroup } from './apis/sync-group.ts'
import { txnOffsetCommit } from './apis/txn-offset-commit.ts'

/** Every API that is spoken, by Kafka's name for it. */
export const apis = {
  addOffsetsToTxn,
  addPartitionsToTxn,
  apiVersions,
  createTopics,
  deleteTopics,
  describeConfigs,
  describeGroups,
  endTxn,
  fetch,
  findCoordinator,
  heartbeat,
  initProducerId,
  joinGroup,
  leaveGroup,
  listGroups,
  listOffsets,
  metadata,
  offsetCommit,
  offsetFetch,
  produce,
  saslHandshake,
  syncGroup,
  txnOffsetCommit,
} as const

export type ApiName = keyof typeof apis

const byKey = new Map<number, AnyApi>(Object.values(apis).map((api) => [api.key, api as AnyApi]))

/** Undefined for a key that isn't spoken. */
export function apiByKey(key: number): AnyApi | undefined {
  return byKey.get(key)
}
