/**
 * Produce (0), versions 0 to 12. Versions 0 to 2 are advertised, because librdkafka looks for them, and refused: they
 * have messages of an older format. acks 1 and -1 mean the same here: durable on this machine. With acks 0 there is
 * no response, and a refusal closes the connection, as in Kafka, so that such a producer refreshes its metadata.
 * From version 12 on the request itself adds partitions to the producer's transaction (KIP-890).
 * https://kafka.apache.org/protocol#The_Messages_Produce
 */

import {
  apis,
  type BatchHeader,
  errorByCode,
  errors,
  type RequestOf,
  type ResponseInputOf,
  readBatchHeader,
} from '@streampay/kafka/wire'
import { ApiError, type RecordError } from '../log/api-error.ts'
import { clientBatchOf } from '../log/check-batch.ts'
import { defineHandler, type RequestContext } from './api.ts'
import { refusalOf } from './refusal.ts'

type Request = RequestOf<typeof apis.produce>
type PartitionResponse = ResponseInputOf<typeof apis.produce>['responses'][number]['partitionResponses'][number]

const firstVersionWithBatches = 3
const firstVersionThatJoins = 12

export const produce = defineHandler(apis.produce, async (request, context) => {
  let written: Promise<readonly TopicResponse[]> | undefined
  // All steps up to the first await of `append` run now, for all partitions: so offsets follow the order of requests.
  const write = () => {
    written = Promise.all(
      request.topicData.map(async ({ name, partitionData }) => ({
        name,
        partitionResponses: await Promise.all(partitionData.map((data) => appendOne(request, { name, data }, context))),
      })),
    )
    return written
  }
  const notJoined = await (joining(request, context)?.(write) ?? write().then(() => errors.NONE))
  const responses = notJoined === errors.NONE ? ((await written) ?? []) : refusedAll(request, notJoined)
  if (request.acks !== 0) return { responses }
  const refused = responses.flatMap((topic) => topic.partitionResponses).find((partition) => partition.errorCode !== 0)
  if (refused) throw new ApiError(refused.errorCode, `a batch sent without acks was refused: ${refused.errorMessage}`)
  return 'no-response'
})

type Joining = (write: () => Promise<unknown>) => Promise<number>

/**
 * Adds the partitions of a request to the transaction of its producer, all at once, by the write itself; undefined for a request that
 * adds none. Whether this producer may write is decided for each batch.
 */
function joining(
  { transactionalId, topicData }: Request,
  { apiVersion, broker: { storage, transactions } }: RequestContext,
): Joining | undefined {
  if (transactionalId === null || apiVersion < firstVersionThatJoins) return undefined
  const batch = topicData.flatMap(({ partitionData }) => partitionData).find(({ records }) => records !== null)?.records
  const producer = batch ? producerOf(batch) : undefined
  if (producer === undefined) return undefined
  const partitions = topicData
    .flatMap(({ name, partitionData }) => partitionData.map(({ index }) => ({ topic: name, partition: index })))
    .filter(({ topic, partition }) => {
      return storage.topic(topic)?.internal === false && storage.partition(topic, partition) !== undefined
    })
  return (write) => transactions.join({ transactionalId, ...producer }, partitions, write)
}

/** The producer of a batch, if its header can be read. */
function producerOf(batch: Buffer): Pick<BatchHeader, 'producerId' | 'producerEpoch'> | undefined {
  try {
    const { producerId, producerEpoch } = readBatchHeader(batch)
    return { producerId, producerEpoch }
  } catch {
    return undefined
  }
}

type TopicResponse = { readonly name: string; readonly partitionResponses: readonly PartitionResponse[] }

/** The answer if no partition was added, so no batch was written. */
function refusedAll({ topicData }: Request, errorCode: number): TopicResponse[] {
  return topicData.map(({ name, partitionData }) => ({
    name,
    partitionResponses: partitionData.map(({ index }) => ({ index, baseOffset: -1, errorCode })),
  }))
}

type PartitionData = Request['topicData'][number]['partitionData'][number]

async function appendOne(
  request: Request,
  target: { readonly name: string; readonly data: PartitionData },
  context: RequestContext,
): Promise<PartitionResponse> {
  const { name } = target
  const { index, records } = target.data
  try {
    const partition = writablePartition(request, target, context)
    const { header, bytes } = clientBatchOf(records ?? Buffer.alloc(0))
    checkTransaction(request, { name, index, header }, context)
    const result = await partition.append(bytes, 'client')
    const { baseOffset, logAppendTime: logAppendTimeMs, logStartOffset } = result
    return { index, errorCode: errors.NONE, baseOffset, logAppendTimeMs, logStartOffset }
  } catch (error) {
    const recordErrors = error instanceof ApiError ? error.recordErrors.map(batchIndexError) : []
    return { index, baseOffset: -1, recordErrors, ...refusalOf(error, context.broker.logger) }
  }
}

function batchIndexError({ index, message }: RecordError) {
  return { batchIndex: index, batchIndexErrorMessage: message }
}

function writablePartition(
  request: Request,
  { name, data }: { readonly name: string; readonly data: PartitionData },
  { apiVersion, broker }: RequestContext,
) {
  if (apiVersion < firstVersionWithBatches) {
    throw new ApiError(errors.UNSUPPORTED_FOR_MESSAGE_FORMAT, `Produce ${apiVersion} is too old; 3 or later is needed`)
  }
  if (![-1, 0, 1].includes(request.acks)) {
    throw new ApiError(errors.INVALID_REQUIRED_ACKS, `acks ${request.acks}: must be -1, 0 or 1`)
  }
  if (broker.storage.topic(name)?.internal) {
    throw new ApiError(errors.INVALID_TOPIC_EXCEPTION, `Topic ${name} is internal to the broker`)
  }
  const partition = broker.storage.partition(name, data.index)
  if (partition) return partition
  throw new ApiError(errors.UNKNOWN_TOPIC_OR_PARTITION, `There is no partition ${name}-${data.index}`)
}

/** A batch in a partition that is not part of the transaction would never be ended by a marker, and would block its readers. */
function checkTransaction(
  { transactionalId }: Request,
  { name, index, header }: { readonly name: string; readonly index: number; readonly header: BatchHeader },
  { broker }: RequestContext,
): void {
  const { isTransactional, producerId, producerEpoch } = header
  if (!isTransactional) return
  if (transactionalId === null) {
    const message = 'A transactional batch without a transactional.id'
    throw new ApiError(errors.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, message)
  }
  const claim = { transactionalId, producerId, producerEpoch, topic: name, partition: index }
  const code = broker.transactions.checkProduce(claim)
  if (code !== errors.NONE) throw new ApiError(code, `${transactionalId}: ${errorByCode(code).message}`)
}
