/**
 * Heartbeat (key 12), versions 0 to 4. REBALANCE_IN_PROGRESS asks the member to join again.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_Heartbeat
 */
import { apis, errors } from '@streampay/kafka/wire'
import { defineHandler } from './api.ts'

export const heartbeat = defineHandler(apis.heartbeat, (request, { broker }) => {
  const { memberId, groupInstanceId: instanceId, generationId: generation } = request
  const group = broker.groups.find(request.groupId)
  if (!group) return { errorCode: errors.UNKNOWN_MEMBER_ID }
  return { errorCode: broker.groups.membership.heartbeat(group, { memberId, instanceId, generation }) }
})
