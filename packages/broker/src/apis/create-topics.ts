/**
 * CreateTopics (19), versions 0 to 7. One replica, on this broker: replication factor 1 or -1. Partition counts of -1
 * mean the broker's default. The topics of one request are created one by one, each completely or not at all.
 * https://kafka.apache.org/protocol#The_Messages_CreateTopics
 */

import { apis, errors, type RequestOf, type ResponseInputOf } from '@streampay/kafka/wire'
import { ApiError } from '../log/api-error.ts'
import type { NewTopic } from '../log/types.ts'
import { topicConfigEntries } from '../topics/config-entries.ts'
import { type BrokerContext, defineHandler } from './api.ts'
import { refusalOf } from './refusal.ts'

type Request = RequestOf<typeof apis.createTopics>
type TopicRequest = Request['topics'][number]
type TopicResponse = ResponseInputOf<typeof apis.createTopics>['topics'][number]

export const createTopics = defineHandler(apis.createTopics, async (request, { broker }) => {
  const names = request.topics.map((topic) => topic.name)
  const topics = await Promise.all(
    request.topics.map((topic) => {
      const repeated = names.indexOf(topic.name) !== names.lastIndexOf(topic.name)
      return createOne(topic, { validateOnly: request.validateOnly, repeated }, broker)
    }),
  )
  return { topics }
})

async function createOne(
  topic: TopicRequest,
  how: { readonly validateOnly: boolean; readonly repeated: boolean },
  broker: BrokerContext,
): Promise<TopicResponse> {
  const { name } = topic
  try {
    if (how.repeated) throw new ApiError(errors.INVALID_REQUEST, `Topic ${name} is in the request twice`)
    const wanted = newTopicOf(topic, broker)
    if (how.validateOnly) broker.storage.checkNewTopic(wanted)
    const info = how.validateOnly ? undefined : await broker.storage.createTopic(wanted)
    return {
      name,
      ...(info && { topicId: info.id }),
      errorCode: errors.NONE,
      errorMessage: null,
      numPartitions: wanted.partitions,
      replicationFactor: 1,
      configs: topicConfigEntries({ config: wanted.config ?? {} }),
    }
  } catch (error) {
    return { name, ...refusalOf(error, broker.logger), configs: [] }
  }
}

function newTopicOf(topic: TopicRequest, broker: BrokerContext): NewTopic {
  const config: Record<string, string> = {}
  for (const { name, value } of topic.configs) {
    if (value === null) throw new ApiError(errors.INVALID_CONFIG, `No value for the configuration ${name}`)
    config[name] = value
  }
  return { name: topic.name, partitions: partitionCountOf(topic, broker), config }
}

function partitionCountOf(topic: TopicRequest, { nodeId, config }: BrokerContext): number {
  if (topic.assignments.length > 0) return assignedPartitions(topic, nodeId)
  if (topic.replicationFactor !== -1 && topic.replicationFactor !== 1) {
    const message = `Replication factor ${topic.replicationFactor}: there is 1 broker, so 1 or -1 is possible`
    throw new ApiError(errors.INVALID_REPLICATION_FACTOR, message)
  }
  return topic.numPartitions === -1 ? config.defaultPartitions : topic.numPartitions
}

function assignedPartitions({ name, assignments, numPartitions }: TopicRequest, nodeId: number): number {
  if (numPartitions !== -1) {
    throw new ApiError(errors.INVALID_REQUEST, `Topic ${name} has both a partition count and assignments`)
  }
  const indexes = assignments.map((assignment) => assignment.partitionIndex).sort((a, b) => a - b)
  const isGapless = indexes.every((index, at) => index === at)
  const isHere = assignments.every(({ brokerIds }) => brokerIds.length === 1 && brokerIds[0] === nodeId)
  if (isGapless && isHere) return assignments.length
  const message = `Topic ${name}: partitions must be numbered from 0 without gaps and lie on broker ${nodeId} alone`
  throw new ApiError(errors.INVALID_REPLICA_ASSIGNMENT, message)
}
