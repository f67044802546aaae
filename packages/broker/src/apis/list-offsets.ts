/**
 * ListOffsets (2), versions 1 to 9: the end (-1; read_committed: the last stable offset), the start (-2, and -4, the
 * start of local storage), the record with the largest timestamp (-3), the first record at or after a time. Tiered
 * storage (-5) has no records here: offset -1.
 * https://kafka.apache.org/protocol#The_Messages_ListOffsets
 */

import { apis, errors, type ResponseInputOf } from '@streampay/kafka/wire'
import { ApiError } from '../log/api-error.ts'
import type { Isolation, Partition } from '../log/types.ts'
import { defineHandler, type RequestContext } from './api.ts'
import { refusalOf } from './refusal.ts'

type PartitionResponse = ResponseInputOf<typeof apis.listOffsets>['topics'][number]['partitions'][number]
type Question = {
  readonly name: string
  readonly index: number
  readonly timestamp: number
  readonly isolation: Isolation
}
type Answer = { readonly offset: number; readonly timestamp: number }

const leaderEpoch = 0
const nowhere: Answer = { offset: -1, timestamp: -1 }

export const listOffsets = defineHandler(apis.listOffsets, async (request, context) => {
  const isolation: Isolation = request.isolationLevel === 1 ? 'read_committed' : 'read_uncommitted'
  const topics = await Promise.all(
    request.topics.map(async ({ name, partitions }) => ({
      name,
      partitions: await Promise.all(
        partitions.map(({ partitionIndex: index, timestamp }) =>
          answerOne({ name, index, timestamp, isolation }, context),
        ),
      ),
    })),
  )
  return { topics }
})

async function answerOne(question: Question, { broker }: RequestContext): Promise<PartitionResponse> {
  const { name, index: partitionIndex } = question
  try {
    const partition = broker.storage.partition(name, partitionIndex)
    if (partition === undefined) {
      throw new ApiError(errors.UNKNOWN_TOPIC_OR_PARTITION, `There is no partition ${name}-${partitionIndex}`)
    }
    const { offset, timestamp } = await offsetFor(partition, question)
    return { partitionIndex, errorCode: errors.NONE, offset, timestamp, leaderEpoch: offset === -1 ? -1 : leaderEpoch }
  } catch (error) {
    return { partitionIndex, errorCode: refusalOf(error, broker.logger).errorCode, offset: -1, timestamp: -1 }
  }
}

async function offsetFor(partition: Partition, { timestamp, isolation }: Question): Promise<Answer> {
  switch (timestamp) {
    case -1: {
      const offset = isolation === 'read_committed' ? partition.lastStableOffset : partition.highWatermark
      return { offset, timestamp: -1 }
    }
    case -2:
    case -4:
      return { offset: partition.logStartOffset, timestamp: -1 }
    case -3:
      return (await partition.offsetOfMaxTimestamp()) ?? nowhere
    case -5:
      return nowhere
    default:
      if (timestamp >= 0) return (await partition.offsetForTimestamp(timestamp, isolation)) ?? nowhere
      throw new ApiError(errors.UNSUPPORTED_VERSION, `The timestamp ${timestamp} is not supported`)
  }
}
