/**
 * DeleteTopics (20), versions 0 to 6, by name or by id. The broker's own topics cannot be deleted.
 * https://kafka.apache.org/protocol#The_Messages_DeleteTopics
 */

import { apis, errors, NO_UUID, type ResponseInputOf } from '@streampay/kafka/wire'
import { ApiError } from '../log/api-error.ts'
import type { TopicInfo } from '../log/types.ts'
import { type BrokerContext, defineHandler } from './api.ts'
import { refusalOf } from './refusal.ts'

type TopicResponse = ResponseInputOf<typeof apis.deleteTopics>['responses'][number]
type Target = { readonly name: string | null; readonly topicId: string }

export const deleteTopics = defineHandler(apis.deleteTopics, async (request, { apiVersion, broker }) => {
  const targets: Target[] =
    apiVersion >= 6 ? request.topics : request.topicNames.map((name) => ({ name, topicId: NO_UUID }))
  return { responses: await Promise.all(targets.map((target) => deleteOne(target, broker))) }
})

async function deleteOne(target: Target, { storage, groups, logger }: BrokerContext): Promise<TopicResponse> {
  try {
    const { name, id, internal } = existingTopic(target, storage)
    if (internal) throw new ApiError(errors.INVALID_TOPIC_EXCEPTION, `Topic ${name} is internal to the broker`)
    await storage.deleteTopic(name)
    // The topic is deleted, even if this fails: the offsets then expire later.
    const errorCode = await groups.forgetTopic(name)
    if (errorCode !== errors.NONE) logger.warn({ topic: name, errorCode }, 'offsets of a deleted topic are still there')
    return { name, topicId: id, errorCode: errors.NONE, errorMessage: null }
  } catch (error) {
    return { name: target.name, topicId: target.topicId, ...refusalOf(error, logger) }
  }
}

function existingTopic({ name, topicId }: Target, storage: BrokerContext['storage']): TopicInfo {
  const info = name === null ? storage.topicById(topicId) : storage.topic(name)
  if (info) return info
  if (name === null) throw new ApiError(errors.UNKNOWN_TOPIC_ID, `There is no topic with the id ${topicId}`)
  throw new ApiError(errors.UNKNOWN_TOPIC_OR_PARTITION, `There is no topic ${name}`)
}
