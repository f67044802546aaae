/**
 * ListGroups (key 16), versions 0 to 5, filtered by state (from 4) and type (from 5); all groups are classic.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_ListGroups
 */
import { apis, errors } from '@streampay/kafka/wire'
import { defineHandler } from './api.ts'

const TYPE = 'classic'

export const listGroups = defineHandler(apis.listGroups, ({ statesFilter, typesFilter }, { broker }) => {
  const states = statesFilter.map((state) => state.toLowerCase())
  const types = typesFilter.map((type) => type.toLowerCase())
  const wanted = broker.groups
    .list()
    .filter(({ state }) => states.length === 0 || states.includes(state.toLowerCase()))
    .filter(() => types.length === 0 || types.includes(TYPE))
  return {
    errorCode: errors.NONE,
    groups: wanted.map(({ id, protocolType, state }) => ({
      groupId: id,
      protocolType,
      groupState: state,
      groupType: TYPE,
    })),
  }
})
