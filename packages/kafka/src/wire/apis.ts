import type { AnyApi } from './api.ts'
import { addOffsetsToTxn } from './apis/add-offsets-to-txn.ts'
import { addPartitionsToTxn } from './apis/add-partitions-to-txn.ts'
import { alterClientQuotas } from './apis/alter-client-quotas.ts'
import { alterConfigs } from './apis/alter-configs.ts'
import { alterPartitionReassignments } from './apis/alter-partition-reassignments.ts'
import { alterReplicaLogDirs } from './apis/alter-replica-log-dirs.ts'
import { alterUserScramCredentials } from './apis/alter-user-scram-credentials.ts'
import { apiVersions } from './apis/api-versions.ts'
import { consumerGroupHeartbeat } from './apis/consumer-group-heartbeat.ts'
import { createAcls } from './apis/create-acls.ts'
import { createDelegationToken } from './apis/create-delegation-token.ts'
import { createPartitions } from './apis/create-partitions.ts'
import { createTopics } from './apis/create-topics.ts'
import { deleteAcls } from './apis/delete-acls.ts'
import { deleteGroups } from './apis/delete-groups.ts'
import { deleteRecords } from './apis/delete-records.ts'
import { deleteTopics } from './apis/delete-topics.ts'
import { describeAcls } from './apis/describe-acls.ts'
import { describeClientQuotas } from './apis/describe-client-quotas.ts'
import { describeCluster } from './apis/describe-cluster.ts'
import { describeConfigs } from './apis/describe-configs.ts'
import { describeDelegationToken } from './apis/describe-delegation-token.ts'
import { describeGroups } from './apis/describe-groups.ts'
import { describeLogDirs } from './apis/describe-log-dirs.ts'
import { describeProducers } from './apis/describe-producers.ts'
import { describeTransactions } from './apis/describe-transactions.ts'
import { describeUserScramCredentials } from './apis/describe-user-scram-credentials.ts'
import { electLeaders } from './apis/elect-leaders.ts'
import { endTxn } from './apis/end-txn.ts'
import { expireDelegationToken } from './apis/expire-delegation-token.ts'
import { fetch } from './apis/fetch.ts'
import { findCoordinator } from './apis/find-coordinator.ts'
import { heartbeat } from './apis/heartbeat.ts'
import { incrementalAlterConfigs } from './apis/incremental-alter-configs.ts'
import { initProducerId } from './apis/init-producer-id.ts'
import { joinGroup } from './apis/join-group.ts'
import { leaveGroup } from './apis/leave-group.ts'
import { listGroups } from './apis/list-groups.ts'
import { listOffsets } from './apis/list-offsets.ts'
import { listPartitionReassignments } from './apis/list-partition-reassignments.ts'
import { listTransactions } from './apis/list-transactions.ts'
import { metadata } from './apis/metadata.ts'
import { offsetCommit } from './apis/offset-commit.ts'
import { offsetDelete } from './apis/offset-delete.ts'
import { offsetFetch } from './apis/offset-fetch.ts'
import { offsetForLeaderEpoch } from './apis/offset-for-leader-epoch.ts'
import { produce } from './apis/produce.ts'
import { renewDelegationToken } from './apis/renew-delegation-token.ts'
import { saslAuthenticate } from './apis/sasl-authenticate.ts'
import { saslHandshake } from './apis/sasl-handshake.ts'
import { syncGroup } from './apis/sync-group.ts'
import { txnOffsetCommit } from './apis/txn-offset-commit.ts'

/**
 * Every API that is spoken, by Kafka's name for it.
 * @example
 * ```ts
 * import { apis } from '@streampay/kafka/wire'
 *
 * const { key, name, maxVersion } = apis.listGroups
 * console.log(key, name, maxVersion) // → 16 ListGroups 5
 * const bytes = apis.listGroups.encodeRequest(maxVersion, { statesFilter: ['Stable'] })
 * console.log(apis.listGroups.decodeRequest(maxVersion, bytes)) // → { statesFilter: [ 'Stable' ], typesFilter: [] }
 * ```
 */
export const apis = {
  addOffsetsToTxn,
  createAcls,
  deleteAcls,
  alterReplicaLogDirs,
  createDelegationToken,
  renewDelegationToken,
  expireDelegationToken,
  describeDelegationToken,
  electLeaders,
  alterPartitionReassignments,
  alterClientQuotas,
  alterUserScramCredentials,
  consumerGroupHeartbeat,
  addPartitionsToTxn,
  alterConfigs,
  apiVersions,
  createPartitions,
  createTopics,
  deleteGroups,
  deleteRecords,
  deleteTopics,
  describeAcls,
  describeClientQuotas,
  describeCluster,
  describeConfigs,
  describeGroups,
  describeLogDirs,
  describeProducers,
  describeTransactions,
  describeUserScramCredentials,
  endTxn,
  fetch,
  findCoordinator,
  heartbeat,
  incrementalAlterConfigs,
  initProducerId,
  joinGroup,
  leaveGroup,
  listGroups,
  listOffsets,
  listPartitionReassignments,
  listTransactions,
  metadata,
  offsetCommit,
  offsetDelete,
  offsetFetch,
  offsetForLeaderEpoch,
  produce,
  saslAuthenticate,
  saslHandshake,
  syncGroup,
  txnOffsetCommit,
} as const

/** The name of an API in `apis`, such as `initProducerId`. */
export type ApiName = keyof typeof apis

const byKey = new Map<number, AnyApi>(Object.values(apis).map((api) => [api.key, api as AnyApi]))

/** Undefined for a key that isn't spoken. */
export function apiByKey(key: number): AnyApi | undefined {
  return byKey.get(key)
}
