/**
 * LeaveGroup (key 13), versions 0 to 5; from 3 on for several members at once, static ones by their instance id.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_LeaveGroup
 */
import { apis, errors } from '@streampay/kafka/wire'
import { defineHandler } from './api.ts'

export const leaveGroup = defineHandler(apis.leaveGroup, (request, { apiVersion, broker }) => {
  const group = broker.groups.find(request.groupId)
  const leave = (memberId: string, instanceId: string | null) =>
    group ? broker.groups.membership.leave(group, { memberId, instanceId }) : errors.UNKNOWN_MEMBER_ID
  if (apiVersion < 3) return { errorCode: leave(request.memberId, null) }
  return {
    errorCode: errors.NONE,
    members: request.members.map(({ memberId, groupInstanceId }) => ({
      memberId,
      groupInstanceId,
      errorCode: leave(memberId, groupInstanceId),
    })),
  }
})
