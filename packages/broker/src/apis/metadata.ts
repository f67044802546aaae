/**
 * Metadata (3), versions 0 to 13. One broker leads every partition. A requested topic that does not exist is created
 * only if the broker's configuration (`autoCreateTopics`, off by default, on in Kafka) and the client allow it.
 * https://kafka.apache.org/protocol#The_Messages_Metadata
 */

import { apis, errors, NO_UUID, type RequestOf, type ResponseInputOf } from '@streampay/kafka/wire'
import type { TopicInfo } from '../log/types.ts'
import { checkTopicName } from '../topics/topic-name.ts'
import { type BrokerContext, defineHandler } from './api.ts'
import { allClusterOperations, allTopicOperations, operationsNotAsked } from './authorized-operations.ts'
import { refusalOf } from './refusal.ts'

type Request = RequestOf<typeof apis.metadata>
type TopicResponse = ResponseInputOf<typeof apis.metadata>['topics'][number]
type TopicRequest = NonNullable<Request['topics']>[number]

const leaderEpoch = 0

export const metadata = defineHandler(apis.metadata, async (request, { apiVersion, broker }) => {
  const { nodeId, host, port, clusterId, storage } = broker
  const all = request.topics === null || (apiVersion === 0 && request.topics.length === 0)
  const topics: TopicResponse[] = []
  if (all) for (const info of storage.topics()) topics.push(describe(info, request, nodeId))
  else for (const topic of request.topics ?? []) topics.push(await answerTopic(topic, request, broker))
  return {
    brokers: [{ nodeId, host, port, rack: null }],
    clusterId,
    controllerId: nodeId,
    topics,
    clusterAuthorizedOperations: request.includeClusterAuthorizedOperations ? allClusterOperations : operationsNotAsked,
    errorCode: errors.NONE,
  }
})

async function answerTopic(topic: TopicRequest, request: Request, broker: BrokerContext): Promise<TopicResponse> {
  const { storage, config, nodeId } = broker
  if (topic.name === null) {
    const info = storage.topicById(topic.topicId)
    return info ? describe(info, request, nodeId) : unknown({ topicId: topic.topicId }, errors.UNKNOWN_TOPIC_ID)
  }
  const { name } = topic
  const info = storage.topic(name)
  if (info) return describe(info, request, nodeId)
  try {
    checkTopicName(name)
    if (!config.autoCreateTopics || !request.allowAutoTopicCreation) {
      return unknown({ name }, errors.UNKNOWN_TOPIC_OR_PARTITION)
    }
    // Another request may have created it a moment ago.
    const created = storage.creating(name) ?? storage.createTopic({ name, partitions: config.defaultPartitions })
    return describe(await created, request, nodeId)
  } catch (error) {
    return unknown({ name }, refusalOf(error, broker.logger).errorCode)
  }
}

function unknown(topic: { name?: string; topicId?: string }, errorCode: number): TopicResponse {
  return { errorCode, name: topic.name ?? null, topicId: topic.topicId ?? NO_UUID, isInternal: false, partitions: [] }
}

function describe(info: TopicInfo, request: Request, nodeId: number): TopicResponse {
  const replicas = [nodeId]
  return {
    errorCode: errors.NONE,
    name: info.name,
    topicId: info.id,
    isInternal: info.internal,
    partitions: Array.from({ length: info.partitions }, (_, partitionIndex) => ({
      errorCode: errors.NONE,
      partitionIndex,
      leaderId: nodeId,
      leaderEpoch,
      replicaNodes: replicas,
      isrNodes: replicas,
      offlineReplicas: [],
    })),
    topicAuthorizedOperations: request.includeTopicAuthorizedOperations ? allTopicOperations : operationsNotAsked,
  }
}
