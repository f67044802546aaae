/**
 * DeleteGroups (key 42), versions 0 to 2: deletes groups without members, and their committed offsets.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_DeleteGroups
 */
import { apis } from '@streampay/kafka/wire'
import { defineHandler } from './api.ts'

export const deleteGroups = defineHandler(apis.deleteGroups, async ({ groupsNames }, { broker }) => ({
  results: await Promise.all(
    groupsNames.map(async (groupId) => ({ groupId, errorCode: await broker.groups.delete(groupId) })),
  ),
}))
