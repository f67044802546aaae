/**
 * The rules of a profile, and which records on `users` and `preferences` are valid. Every Kafka client can write to these topics, so every
 * reader uses these functions: the task that opens accounts, the tables in which payments look people up, the gateway's directory, the
 * simulation.
 */
import { bodyErrors, type MemberRule, type MemberRules, oneOf, requiredText } from './body-errors.ts'
import { matches } from './checks.ts'
import { headerNames } from './headers.ts'
import { isReserved, looksLikeSystem } from './identities.ts'
import { maxIdLength, maxNameLength } from './limits.ts'
import type { FieldError } from './problems.ts'
import { preferences, user, visibilities } from './schemas.ts'
import { namePattern, nameRule, usernamePattern, usernameRule } from './texts.ts'

export type OwnClaim = {
  readonly key: string
  /** The header that names the writer; a record of another program may lack it. */
  readonly identity: string | undefined
  /** Parsed; `null` for a tombstone, which removes the name from the directory. */
  readonly value: unknown
}

/** @returns why the record is invalid, in words; undefined for a valid one */
export function userFault(claim: OwnClaim): string | undefined {
  const { key, value } = claim
  const fault = ownerFault(claim)
  if (fault !== undefined) return fault
  if (value === null) return undefined
  if (!matches(user, value)) return 'the value is not a user'
  if (value.id !== key) return 'the id of the user is not the key'
  const isSystems = looksLikeSystem(value.name) || looksLikeSystem(value.username)
  return isSystems ? 'the name looks like that of the system itself' : undefined
}

/** The same for a record on `preferences`. */
export function preferencesFault(claim: OwnClaim): string | undefined {
  const { key, value } = claim
  const fault = ownerFault(claim)
  if (fault !== undefined) return fault
  if (value === null) return undefined
  if (!matches(preferences, value)) return 'the value is no preferences'
  return value.id === key ? undefined : 'the id of the preferences is not the key'
}

function ownerFault({ key, identity }: OwnClaim): string | undefined {
  if (identity !== undefined && identity !== key) return `the key is not the ${headerNames.identity}`
  if (key.length === 0 || key.length > maxIdLength) return `the key is not 1 to ${maxIdLength} characters`
  return isReserved(key) ? `the identity "${key}" is reserved` : undefined
}

const members: MemberRules = {
  name: personal(requiredText({ maxLength: maxNameLength, pattern: namePattern, rule: nameRule })),
  username: personal(requiredText({ maxLength: maxNameLength, pattern: usernamePattern, rule: usernameRule })),
}

/** A name that looks like the system's would give its owner the trust that people have in the system. */
function personal(rule: MemberRule): MemberRule {
  return (value) => rule(value) ?? (looksLikeSystem(String(value)) ? systemNameRule : undefined)
}

const systemNameRule = 'must not look like the name of the system itself'

/**
 * Every field of a profile that is wrong, in words; empty exactly if the body satisfies `profileBody` and none of its names
 * looks like the system's, which a schema cannot say.
 */
export function profileErrors(body: unknown): FieldError[] {
  return bodyErrors(members, body, 'profile')
}

const visibility = oneOf(visibilities)
const preferenceRules: MemberRules = {
  visibility: (value) => (value === undefined ? 'is required' : visibility(value)),
}

/** The same for preferences. */
export function preferencesErrors(body: unknown): FieldError[] {
  return bodyErrors(preferenceRules, body, 'body')
}
