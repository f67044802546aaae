/**
 * AddOffsetsToTxn (key 25), versions 0 to 4: adds the offsets of a group to the transaction.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_AddOffsetsToTxn, KIP-98
 */
import { apis, errors } from '@streampay/kafka/wire'
import { defineHandler } from './api.ts'
import { fencedAs } from './fenced.ts'

export const addOffsetsToTxn = defineHandler(apis.addOffsetsToTxn, async (request, { apiVersion, broker }) => {
  if (request.groupId === '') return { errorCode: errors.INVALID_GROUP_ID }
  return { errorCode: fencedAs(await broker.transactions.addOffsets(request), apiVersion >= 2) }
})
