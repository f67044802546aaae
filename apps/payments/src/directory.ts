/** Who is known: the global table of `users`, which trails the log. */
import { headerNames, topicNames, type User, user, userFault } from '@streampay/domain'
import { type GlobalTableDefinition, headerText, type ProcessorContext, type Wait } from '@streampay/streams'
import { jsonSerde, parseOutsideJson } from './serdes.ts'

/** Strict like the account's own reading of `users`: a profile that is dead-lettered there must not be known here. */
export const userTable: GlobalTableDefinition<User> = {
  name: 'users',
  topic: topicNames.users,
  value: jsonSerde(user, parseOutsideJson),
  accepts: ({ key, value, headers }) =>
    userFault({ key, identity: headerText(headers, headerNames.identity), value }) === undefined,
}

/** How long a command waits for the table to reach the end that `users` has at this moment. */
const lookupTimeoutMs = 1000

/** Not an outcome: the directory did not catch up in time, so nothing was decided. */
export type Unsure = { readonly kind: 'unsure' }

/**
 * Whether the directory has the user. A user that is missing may only not have arrived yet: the first answer is then a
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
