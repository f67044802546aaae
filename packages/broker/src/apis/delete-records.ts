/**
 * DeleteRecords (21), versions 0 to 2: moves the log start; -1 moves it to the high watermark. Segments before the log start are
 * deleted as whole files.
 * https://kafka.apache.org/protocol#The_Messages_DeleteRecords
 */

import { apis, errors } from '@streampay/kafka/wire'
import { ApiError } from '../log/api-error.ts'
import { type BrokerContext, defineHandler } from './api.ts'
import { refusalOf } from './refusal.ts'

type Target = { readonly name: string; readonly partitionIndex: number; readonly offset: number }

export const deleteRecords = defineHandler(apis.deleteRecords, async (request, { broker }) => ({
  topics: await Promise.all(
    request.topics.map(async ({ name, partitions }) => ({
      name,
      partitions: await Promise.all(partitions.map((partition) => deleteIn({ name, ...partition }, broker))),
    })),
  ),
}))

async function deleteIn({ name, partitionIndex, offset }: Target, { storage, logger }: BrokerContext) {
  try {
    const partition = storage.partition(name, partitionIndex)
    if (!partition) {
      throw new ApiError(errors.UNKNOWN_TOPIC_OR_PARTITION, `There is no partition ${name}-${partitionIndex}`)
    }
    if (storage.topic(name)?.internal) {
      throw new ApiError(errors.INVALID_TOPIC_EXCEPTION, `Topic ${name} is internal to the broker`)
    }
    return { partitionIndex, lowWatermark: await partition.deleteRecords(offset), errorCode: errors.NONE }
  } catch (error) {
    return { partitionIndex, lowWatermark: -1, errorCode: refusalOf(error, logger).errorCode }
  }
}
