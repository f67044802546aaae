/**
 * CreatePartitions (37), versions 0 to 3: adds partitions to topics; the answer of one topic does not depend on the others.
 * https://kafka.apache.org/protocol#The_Messages_CreatePartitions
 */

import { apis, errors, type RequestOf } from '@streampay/kafka/wire'
import { ApiError } from '../log/api-error.ts'
import { type BrokerContext, defineHandler } from './api.ts'
import { refusalOf } from './refusal.ts'

type TopicRequest = RequestOf<typeof apis.createPartitions>['topics'][number]

export const createPartitions = defineHandler(apis.createPartitions, async (request, { broker }) => ({
  results: await Promise.all(request.topics.map((topic) => growOne(topic, request.validateOnly, broker))),
}))

async function growOne(topic: TopicRequest, validateOnly: boolean, broker: BrokerContext) {
  const { name, count } = topic
  try {
    checkGrowth(topic, broker)
    if (!validateOnly) await broker.storage.createPartitions(name, count)
    return { name, errorCode: errors.NONE, errorMessage: null }
  } catch (error) {
    return { name, ...refusalOf(error, broker.logger) }
  }
}

function checkGrowth({ name, count, assignments }: TopicRequest, { storage, nodeId }: BrokerContext): void {
  const info = storage.topic(name)
  if (!info) throw new ApiError(errors.UNKNOWN_TOPIC_OR_PARTITION, `There is no topic ${name}`)
  if (info.internal) throw new ApiError(errors.INVALID_TOPIC_EXCEPTION, `Topic ${name} is internal to the broker`)
  if (count <= info.partitions) {
    const message = `Topic ${name} has ${info.partitions} partitions already, and can only grow, not to ${count}`
    throw new ApiError(errors.INVALID_PARTITIONS, message)
  }
  if (assignments === null) return
  const isHere = assignments.every(({ brokerIds }) => brokerIds.length === 1 && brokerIds[0] === nodeId)
  if (isHere && assignments.length === count - info.partitions) return
  const message = `Topic ${name}: ${count - info.partitions} assignments to broker ${nodeId} alone are needed`
  throw new ApiError(errors.INVALID_REPLICA_ASSIGNMENT, message)
}
