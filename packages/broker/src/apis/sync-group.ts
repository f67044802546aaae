/**
 * SyncGroup (key 14), versions 0 to 5: the leader sends the assignment, the other members wait for it.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_SyncGroup
 */
import { apis, errors } from '@streampay/kafka/wire'
import { syncRefusal } from '../coordinators/membership.ts'
import { defineHandler } from './api.ts'

export const syncGroup = defineHandler(apis.syncGroup, (request, { broker }) => {
  const group = broker.groups.find(request.groupId)
  if (!group) return syncRefusal(errors.UNKNOWN_MEMBER_ID)
  const { memberId, groupInstanceId: instanceId, generationId: generation } = request
  const { protocolType, protocolName, assignments } = request
  return broker.groups.membership.sync(group, {
    memberId,
    instanceId,
    generation,
    protocolType,
    protocolName,
    assignments,
  })
})
