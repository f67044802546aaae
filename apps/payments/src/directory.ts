/** Who is known: the global table of `users`, which trails the log. */
import { topicNames, type User, user } from '@streampay/domain'
import type { GlobalTableDefinition, ProcessorContext, Wait } from '@streampay/streams'
import { jsonSerde } from './serdes.ts'

export const userTable: GlobalTableDefinition<User> = { name: 'users', topic: topicNames.users, value: jsonSerde(user) }

/** How long a command waits for the table to reach the end that `users` has at this moment. */
const lookupTimeoutMs = 1000

/**
 * Whether the directory has the user. A user that is missing may only not have arrived yet: the first answer is then a
 * Wait to be returned to the runtime; `unsure` means that the table did not catch up in time.
 */
export function lookUp(context: ProcessorContext, id: string): 'known' | 'unknown' | 'unsure' | Wait {
  if (userNamed(context, id) !== undefined) return 'known'
  if (context.waited === undefined) return { waitFor: userTable.name, timeoutMs: lookupTimeoutMs }
  return context.waited === 'reached' ? 'unknown' : 'unsure'
}

/** A record whose id is not its key is nobody's: anybody could have written it. */
export function userNamed(context: Pick<ProcessorContext, 'table'>, id: string): User | undefined {
  const found = context.table<User>(userTable.name).get(id)
  return found?.id === id ? found : undefined
}
