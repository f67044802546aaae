/**
 * JoinGroup (key 11), versions 0 to 9: waits until all members of the group have joined, or until the rebalance timeout.
 * The leader's answer lists the members. Rules and differences: `coordinators/membership.ts`.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_JoinGroup
 */
import { apis, errors } from '@streampay/kafka/wire'
import { joinRefusal } from '../coordinators/membership.ts'
import { clientOf, defineHandler } from './api.ts'

export const joinGroup = defineHandler(apis.joinGroup, (request, { apiVersion, clientId, connection, broker }) => {
  const { groupId, memberId, sessionTimeoutMs } = request
  const { groupMinSessionTimeoutMs, groupMaxSessionTimeoutMs, groupMemberMaxBytes } = broker.config
  if (sessionTimeoutMs < groupMinSessionTimeoutMs || sessionTimeoutMs > groupMaxSessionTimeoutMs) {
    return joinRefusal(memberId, errors.INVALID_SESSION_TIMEOUT)
  }
  const offeredBytes = request.protocols.reduce((sum, { name, metadata }) => sum + name.length + metadata.length, 0)
  if (offeredBytes > groupMemberMaxBytes) return joinRefusal(memberId, errors.INVALID_REQUEST)
  const join = {
    memberId,
    instanceId: request.groupInstanceId,
    protocolType: request.protocolType,
    // Copies: they are kept as long as the member, but the request's buffer is reused.
    protocols: request.protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) })),
    sessionTimeoutMs,
    // Version 0 has only one timeout.
    rebalanceTimeoutMs: request.rebalanceTimeoutMs === -1 ? sessionTimeoutMs : request.rebalanceTimeoutMs,
    clientId: clientId ?? '',
    host: connection.host,
    memberIdRequired: apiVersion >= 4,
    canSkipAssignment: apiVersion >= 9,
    closed: connection.closed,
  }
  return broker.groups.join(groupId, join, clientOf(connection))
})
