/**
 * What a profile may say, and which records on `users` are believed. Anybody with a Kafka client can write that topic, so whoever reads it asks here:
 * the task that opens accounts, the tables that payments look people up in, the gateway's directory, the simulation.
 */
import { bodyErrors, type MemberRules, requiredText } from './body-errors.ts'
import { matches } from './checks.ts'
import { headerNames } from './headers.ts'
import { isReserved, maxIdLength } from './identities.ts'
import type { FieldError } from './problems.ts'
import { user } from './schemas.ts'
import { maxNameLength, namePattern, nameRule, usernamePattern, usernameRule } from './texts.ts'

export type UserClaim = {
  readonly key: string
  /** The header that names the writer; a record of another program may lack it. */
  readonly identity: string | undefined
  /** Parsed; `null` for a tombstone, which takes the name out of the directory. */
  readonly value: unknown
}

/** @returns why the record is nobody's, in words; undefined for one to believe */
export function userFault({ key, identity, value }: UserClaim): string | undefined {
  if (identity !== undefined && identity !== key) return `the key is not the ${headerNames.identity}`
  if (key.length === 0 || key.length > maxIdLength) return `the key is not 1 to ${maxIdLength} characters`
  if (isReserved(key)) return `the identity "${key}" is reserved`
  if (value === null) return undefined
  if (!matches(user, value)) return 'the value is not a user'
  return value.id === key ? undefined : 'the id of the user is not the key'
}

const members: MemberRules = {
  name: requiredText({ maxLength: maxNameLength, pattern: namePattern, rule: nameRule }),
  username: requiredText({ maxLength: maxNameLength, pattern: usernamePattern, rule: usernameRule }),
}

/** Every field of a profile that is wrong, in words; empty exactly if the body satisfies `profileBody`. */
export function profileErrors(body: unknown): FieldError[] {
  return bodyErrors(members, body, 'profile')
}
