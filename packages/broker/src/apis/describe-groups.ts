/**
 * DescribeGroups (key 15), versions 0 to 6. A group that doesn't exist is Dead; version 6 also returns GROUP_ID_NOT_FOUND.
 * Difference from Apache Kafka: authorized operations are never returned, because there is no authorization.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_DescribeGroups
 */
import { apis, errors } from '@streampay/kafka/wire'
import { metadataOf } from '../coordinators/group.ts'
import { defineHandler } from './api.ts'

export const describeGroups = defineHandler(apis.describeGroups, (request, { apiVersion, broker }) => ({
  groups: request.groups.map((groupId) => {
    const group = broker.groups.find(groupId)
    const missing = !broker.groups.exists(groupId)
    return {
      errorCode: missing && apiVersion >= 6 ? errors.GROUP_ID_NOT_FOUND : errors.NONE,
      errorMessage: missing ? `Group ${groupId} not found.` : null,
      groupId,
      groupState: missing ? 'Dead' : (group?.state ?? 'Empty'),
      protocolType: group?.protocolType ?? '',
      protocolData: group?.protocolName ?? '',
      members: [...(group?.members.values() ?? [])].map((member) => ({
        memberId: member.id,
        groupInstanceId: member.instanceId,
        clientId: member.clientId,
        clientHost: `/${member.host}`,
        memberMetadata: metadataOf(member, group?.protocolName ?? null),
        memberAssignment: member.assignment,
      })),
    }
  }),
}))
