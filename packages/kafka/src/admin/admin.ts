/** The admin client: creates, describes and deletes topics, and reads and sets offsets and groups. */
import type {
  Admin,
  GroupDescription,
  GroupListing,
  ListedOffset,
  OffsetSpec,
  TopicDescription,
  TopicToCreate,
} from '../client.ts'
import type { Cluster } from '../cluster.ts'
import { BrokerError, KafkaError } from '../errors.ts'
import { assignedPartitions } from '../group/consumer-protocol.ts'
import { listOffsets } from '../reader/offset-range.ts'
import { check, retry } from '../retry.ts'
import type { CommittedOffset, Isolation, TopicPartition } from '../types.ts'
import { apis, errors } from '../wire/index.ts'
import { commitOffsets } from './commit-offsets.ts'
import { committedOffsets, groupOffsets } from './committed-offsets.ts'
import { deleteRecords } from './delete-records.ts'
import { replicaSizes } from './replica-sizes.ts'
import { describeProducers, describeTransactions, listTransactions } from './transactions.ts'

const TIMEOUT_MS = 15_000
/** The time limit inside the request: the log answers before the connection times out. */
const BROKER_TIMEOUT_MS = 8_000
const TOPIC_RESOURCE = 2
const LOGS_OWN_REPLICATION = -1

/**
 * Asks the log over the cluster's own connections.
 * @example
 * ```ts
 * import { openAdmin, openCluster } from '@streampay/kafka'
 *
 * const cluster = openCluster({ brokers: ['localhost:9092'], clientId: 'example' })
 * const admin = openAdmin(cluster)
 * const topic = { name: 'balances', partitions: 2, configs: { 'cleanup.policy': 'compact' } }
 * console.log(await admin.createTopics([topic])) // → [ { name: 'balances', created: true } ]
 * const [end] = await admin.listOffsets([{ topic: 'balances', partition: 0 }], 'latest')
 * console.log(end?.offset) // → 0
 * await cluster.close()
 * ```
 */
export function openAdmin(cluster: Cluster): Admin {
  return {
    createTopics: (topics) => createTopics(cluster, topics),
    deleteTopics: (names) => deleteTopics(cluster, names),
    listTopics: () => listTopics(cluster),
    describeTopics: (names) => describeTopics(cluster, names),
    describeConfigs: async (topic) => (await configsOf(cluster, [topic])).get(topic) ?? {},
    listOffsets: (partitions, spec, isolation) => offsetsOf(cluster, partitions, { spec, isolation }),
    commitOffsets: (group, offsets) => commitOffsets(cluster, group, offsets),
    committedOffsets: (groupId, partitions, options = {}) => committed(cluster, { groupId, partitions, ...options }),
    deleteRecords: (records) => deleteRecords(cluster, records),
    listGroups: () => listGroups(cluster),
    describeGroups: (groupIds) => describeGroups(cluster, groupIds),
    groupOffsets: (groupId) => groupOffsets(cluster, groupId),
    listTransactions: (states = []) => listTransactions(cluster, states),
    describeTransactions: (ids) => describeTransactions(cluster, ids),
    describeProducers: (partitions) => describeProducers(cluster, partitions),
    replicaSizes: () => replicaSizes(cluster),
  }
}

async function createTopics(cluster: Cluster, topics: readonly TopicToCreate[]) {
  if (topics.length === 0) return []
  const what = 'creating topics'
  const created = await onController(cluster, what, async (nodeId) => {
    const answer = await cluster.broker(nodeId, apis.createTopics, {
      timeoutMs: BROKER_TIMEOUT_MS,
      topics: topics.map(({ name, partitions, replicationFactor, configs }) => ({
        name,
        numPartitions: partitions,
        replicationFactor: replicationFactor ?? LOGS_OWN_REPLICATION,
        configs: Object.entries(configs ?? {}).map(([key, value]) => ({ name: key, value })),
      })),
    })
    return answer.topics.map(({ name, errorCode, errorMessage }) => {
      if (errorCode === errors.TOPIC_ALREADY_EXISTS) return { name, created: false }
      check(errorCode, `creating topic ${name}${errorMessage ? ` (${errorMessage})` : ''}`)
      return { name, created: true }
    })
  })
  for (const { name } of topics) cluster.forgetTopic(name)
  await Promise.all(topics.map(({ name }) => cluster.topic(name)))
  return created
}

async function deleteTopics(cluster: Cluster, names: readonly string[]): Promise<void> {
  if (names.length === 0) return
  await onController(cluster, 'deleting topics', async (nodeId) => {
    const topics = names.map((name) => ({ name }))
    const answer = await cluster.broker(nodeId, apis.deleteTopics, {
      topics,
      topicNames: names,
      timeoutMs: BROKER_TIMEOUT_MS,
    })
    for (const { name, errorCode } of answer.responses) check(errorCode, `deleting topic ${name}`)
  })
  for (const name of names) cluster.forgetTopic(name)
}

function onController<T>(cluster: Cluster, what: string, ask: (nodeId: number) => Promise<T>): Promise<T> {
  const onRetry = () => cluster.forgetController()
  return retry({ timing: cluster, timeoutMs: TIMEOUT_MS, what, onRetry, isRetriable: isSafeToRepeat }, async () =>
    ask(await cluster.controller()),
  )
}

/** A topic that doesn't exist still doesn't exist at the next attempt. */
function isSafeToRepeat(error: KafkaError): boolean {
  if (error instanceof BrokerError && error.brokerError === 'UNKNOWN_TOPIC_OR_PARTITION') return false
  return error.retriable
}

async function listTopics(cluster: Cluster): Promise<string[]> {
  const topics = await patiently(cluster, 'listing topics', () => cluster.describeTopics(null))
  return topics.flatMap(({ name, isInternal }) => (name === null || isInternal ? [] : [name])).sort()
}

/**
 * Topics and their configurations are two requests, perhaps to two brokers. Between them a topic may be deleted, or the second broker may
 * not know a new topic yet. Then both requests are repeated.
 */
async function describeTopics(cluster: Cluster, names: readonly string[]): Promise<TopicDescription[]> {
  if (names.length === 0) return []
  const what = 'describing topics'
  return await retry({ timing: cluster, timeoutMs: TIMEOUT_MS, what }, () => describeOnce(cluster, names))
}

async function describeOnce(cluster: Cluster, names: readonly string[]): Promise<TopicDescription[]> {
  const topics = await cluster.describeTopics(names)
  const existing = topics.filter(({ name, errorCode }) => {
    if (errorCode === errors.UNKNOWN_TOPIC_OR_PARTITION) return false
    // A partition without a leader is part of the description.
    if (errorCode !== errors.LEADER_NOT_AVAILABLE) check(errorCode, `describing topic ${name}`)
    return true
  })
  const named = existing.map((topic) => ({ ...topic, name: topic.name ?? '' }))
  const configs = await configsOf(
    cluster,
    named.map(({ name }) => name),
  )
  return named.map(({ name, topicId, isInternal, partitions }) => ({
    name,
    topicId,
    isInternal,
    partitions: partitions
      .map((one) => ({
        partition: one.partitionIndex,
        leader: one.leaderId,
        replicas: one.replicaNodes,
        inSyncReplicas: one.isrNodes,
      }))
      .sort((a, b) => a.partition - b.partition),
    configs: configs.get(name) ?? {},
  }))
}

async function configsOf(cluster: Cluster, topics: readonly string[]): Promise<Map<string, Record<string, string>>> {
  if (topics.length === 0) return new Map()
  return await patiently(cluster, 'describing configurations', async () => {
    const resources = topics.map((resourceName) => ({ resourceType: TOPIC_RESOURCE, resourceName }))
    const answer = await cluster.anyBroker(apis.describeConfigs, {
      resources: resources.map((resource) => ({ ...resource, configurationKeys: null })),
    })
    return new Map(
      answer.results.map(({ resourceName, errorCode, configs }) => {
        check(errorCode, `describing the configuration of ${resourceName}`)
        const known = configs.flatMap(({ name, value }) => (value === null ? [] : [[name, value] as const]))
        return [resourceName, Object.fromEntries(known)] as const
      }),
    )
  })
}

function offsetsOf(
  cluster: Cluster,
  partitions: readonly TopicPartition[],
  { spec, isolation }: { spec: OffsetSpec; isolation: Isolation | undefined },
): Promise<ListedOffset[]> {
  if (partitions.length === 0) return Promise.resolve([])
  return listOffsets(cluster, partitions, { spec, isolation: isolation ?? 'read_uncommitted' })
}

function committed(
  cluster: Cluster,
  question: {
    readonly groupId: string
    readonly partitions: readonly TopicPartition[]
    readonly requireStable?: boolean
    readonly timeoutMs?: number
  },
): Promise<CommittedOffset[]> {
  if (question.partitions.length === 0) return Promise.resolve([])
  return committedOffsets(cluster, question)
}

async function listGroups(cluster: Cluster): Promise<GroupListing[]> {
  const nodes = await cluster.nodes()
  const answers = await Promise.all(
    nodes.map((nodeId) =>
      patiently(cluster, 'listing groups', async () => {
        const answer = await cluster.broker(nodeId, apis.listGroups, {})
        check(answer.errorCode, 'listing groups')
        return answer.groups
      }),
    ),
  )
  return answers.flat().map(({ groupId, protocolType, groupState }) => ({ groupId, protocolType, state: groupState }))
}

function describeGroups(cluster: Cluster, groupIds: readonly string[]): Promise<GroupDescription[]> {
  return Promise.all(groupIds.map((groupId) => describeGroup(cluster, groupId)))
}

async function describeGroup(cluster: Cluster, groupId: string): Promise<GroupDescription> {
  const answer = await cluster.coordinator({
    type: 'group',
    key: groupId,
    api: apis.describeGroups,
    body: { groups: [groupId] },
    // From version 6 a group that doesn't exist is an error; before, it is described as dead.
    codeOf: ({ groups }) => (groups[0]?.errorCode === errors.GROUP_ID_NOT_FOUND ? 0 : (groups[0]?.errorCode ?? 0)),
    timeoutMs: TIMEOUT_MS,
    what: `describing group ${groupId}`,
  })
  const group = answer.groups[0]
  if (group === undefined) throw new KafkaError('KAFKA_MALFORMED', `the log did not describe group ${groupId}`)
  return {
    groupId,
    state: group.groupState || 'Dead',
    protocolType: group.protocolType,
    protocol: group.protocolData,
    members: group.members.map(({ memberId, groupInstanceId, clientId, clientHost, memberAssignment }) => ({
      memberId,
      groupInstanceId,
      clientId,
      clientHost,
      partitions: group.protocolType === 'consumer' ? assignedPartitions(memberAssignment) : [],
    })),
  }
}

function patiently<T>(cluster: Cluster, what: string, ask: () => Promise<T>): Promise<T> {
  return retry({ timing: cluster, timeoutMs: TIMEOUT_MS, what, isRetriable: isSafeToRepeat }, ask)
}
