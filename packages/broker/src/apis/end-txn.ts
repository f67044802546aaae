/**
 * EndTxn (key 26), versions 0 to 5: commits or aborts. A repetition with the same outcome succeeds, with the other one it gets
 * INVALID_TXN_STATE. From version 5 on the answer has the producer's next epoch, or its next id (KIP-890).
 * Difference from Apache Kafka: the answer comes when the markers are durable as well (see `coordinators/transactions.ts`).
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_EndTxn, KIP-98
 */
import { apis } from '@streampay/kafka/wire'
import { defineHandler } from './api.ts'
import { fencedAs } from './fenced.ts'

const firstVersionWithEpoch = 5

export const endTxn = defineHandler(apis.endTxn, async (request, { apiVersion, broker }) => {
  if (apiVersion >= firstVersionWithEpoch) return broker.transactions.endWithNextEpoch(request, request.committed)
  return { errorCode: fencedAs(await broker.transactions.end(request, request.committed), apiVersion >= 2) }
})
