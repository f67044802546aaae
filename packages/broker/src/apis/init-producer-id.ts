/**
 * InitProducerId (key 22), versions 0 to 5. Without a transactional.id it returns a new producer id. With one, it aborts an open
 * transaction of that id and returns the next epoch; CONCURRENT_TRANSACTIONS while a transaction is ending.
 * Differences from Apache Kafka: see `coordinators/transactions.ts`.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_InitProducerId, KIP-98, KIP-360
 */
import { apis, errors } from '@streampay/kafka/wire'
import { clientOf, defineHandler } from './api.ts'
import { fencedAs } from './fenced.ts'

export const initProducerId = defineHandler(
  apis.initProducerId,
  async (request, { apiVersion, connection, broker }) => {
    const { transactionalId, producerId, producerEpoch } = request
    const halfNamed = (producerId === -1) !== (producerEpoch === -1)
    if (halfNamed) return { errorCode: errors.INVALID_REQUEST }
    const result = await broker.transactions.initProducerId({
      transactionalId,
      timeoutMs: request.transactionTimeoutMs,
      producerId,
      producerEpoch,
      client: clientOf(connection),
    })
    return { ...result, errorCode: fencedAs(result.errorCode, apiVersion >= 4) }
  },
)
