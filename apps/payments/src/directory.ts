/** The known users: the global table of `users`, which is a little behind the log. */
import { headerNames, topicNames, type User, user, userFault } from '@streampay/domain'
import { type GlobalTableDefinition, headerText, type ProcessorContext, type Wait } from '@streampay/streams'
import { jsonSerde, parseOutsideJson } from './serdes.ts'

/** As strict as the account's own reading of `users`: a profile that is dead-lettered there must not be known here. */
export const userTable: GlobalTableDefinition<User> = {
  name: 'users',
  topic: topicNames.users,
  value: jsonSerde(user, parseOutsideJson),
  accepts: ({ key, value, headers }) =>
    userFault({ key, identity: headerText(headers, headerNames.identity), value }) === undefined,
}

/** The time limit for a command's wait until the table reaches the present end of `users`. */
const lookupTimeoutMs = 1000

/** Not an outcome: the directory did not catch up in time, so the command was not decided. */
export type Unsure = { readonly kind: 'unsure' }

/**
 * Whether the directory has the user. The record of a missing user may not have arrived yet: the first answer is then a
 * Wait to be returned to the runtime.
 */
export function lookUp(context: ProcessorContext, id: string): 'known' | 'unknown' | Unsure | Wait {
  if (userNamed(context, id) !== undefined) return 'known'
  if (context.waited === undefined) return { waitFor: userTable.name, timeoutMs: lookupTimeoutMs }
  return context.waited === 'reached' ? 'unknown' : { kind: 'unsure' }
}

export function userNamed(context: Pick<ProcessorContext, 'table'>, id: string): User | undefined {
  return context.table<User>(userTable.name).get(id)
}
