/**
 * FindCoordinator (key 10), versions 0 to 6, for groups (key type 0) and transactions (1). It is always this broker.
 * Difference from Apache Kafka: share groups (key type 2) are refused.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_FindCoordinator
 */
import { apis, errors } from '@streampay/kafka/wire'
import { defineHandler } from './api.ts'

const GROUP = 0
const TRANSACTION = 1
const NOWHERE = { nodeId: -1, host: '', port: -1 }

export const findCoordinator = defineHandler(apis.findCoordinator, (request, { apiVersion, broker }) => {
  const find = (key: string) => {
    if (request.keyType !== GROUP && request.keyType !== TRANSACTION) {
      return {
        ...NOWHERE,
        errorCode: errors.INVALID_REQUEST,
        errorMessage: `key type ${request.keyType} is not served`,
      }
    }
    if (key === '' && request.keyType === GROUP) {
      return { ...NOWHERE, errorCode: errors.INVALID_GROUP_ID, errorMessage: 'the group id is empty' }
    }
    return { nodeId: broker.nodeId, host: broker.host, port: broker.port, errorCode: errors.NONE, errorMessage: null }
  }
  if (apiVersion < 4) return find(request.key)
  return { coordinators: request.coordinatorKeys.map((key) => ({ key, ...find(key) })) }
})
