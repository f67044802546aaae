/**
 * JoinGroup (key 11), versions 0 to 9: waits until all members of the group have joined, or the rebalance timeout is
 * over. The leader's answer lists the members. Rules and differences: `coordinators/membership.ts`.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_JoinGroup
 */
import { apis, errors } from '@streampay/kafka/wire'
import { joinRefusal } from '../coordinators/membership.ts'
import { defineHandler } from './api.ts'

export const joinGroup = defineHandler(apis.joinGroup, (request, { apiVersion, clientId, connection, broker }) => {
  const { groupId, memberId, sessionTimeoutMs } = request
  const { groupMinSessionTimeoutMs, groupMaxSessionTimeoutMs } = broker.config
  if (groupId === '') return joinRefusal(memberId, errors.INVALID_GROUP_ID)
  if (sessionTimeoutMs < groupMinSessionTimeoutMs || sessionTimeoutMs > groupMaxSessionTimeoutMs) {
    return joinRefusal(memberId, errors.INVALID_SESSION_TIMEOUT)
  }
  const group = memberId === '' ? broker.groups.findOrMake(groupId) : broker.groups.find(groupId)
  if (!group) return joinRefusal(memberId, errors.UNKNOWN_MEMBER_ID)
  return broker.groups.membership.join(group, {
    memberId,
    instanceId: request.groupInstanceId,
    protocolType: request.protocolType,
    // Copies: they are kept as long as the member, the request's buffer is not.
    protocols: request.protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) })),
    sessionTimeoutMs,
    // Version 0 has one timeout for both.
    rebalanceTimeoutMs: request.rebalanceTimeoutMs === -1 ? sessionTimeoutMs : request.rebalanceTimeoutMs,
    clientId: clientId ?? '',
    host: connection.host,
    memberIdRequired: apiVersion >= 4,
    canSkipAssignment: apiVersion >= 9,
    closed: connection.closed,
  })
})
