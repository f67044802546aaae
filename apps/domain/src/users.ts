/**
 * The rules of a profile, and which records on `users` and `preferences` are valid. Every Kafka client can write to these topics, so every
 * reader uses these functions: the task that opens accounts, the tables in which payments look people up, the gateway's directory, the
 * simulation.
 */
import { matches } from './checks.ts'
import { headerNames } from './headers.ts'
import { isReserved, looksLikeSystem } from './identities.ts'
import { maxIdLength } from './limits.ts'
import type { FieldError } from './problems.ts'
import { bodyErrors } from './schema-words.ts'
import { preferences, preferencesBody, profileBody, user } from './schemas.ts'

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
  if (!matches(preferences, value)) return 'the value is not preferences'
  return value.id === key ? undefined : 'the id of the preferences is not the key'
}

function ownerFault({ key, identity }: OwnClaim): string | undefined {
  if (identity !== undefined && identity !== key) return `the key is not the ${headerNames.identity}`
  if (key.length === 0 || key.length > maxIdLength) return `the key is not 1 to ${maxIdLength} characters`
  return isReserved(key) ? `the identity "${key}" is reserved` : undefined
}

/**
 * Every field of a profile that is wrong, in words; empty exactly if the body satisfies `profileBody` and none of its names
 * looks like the system's, which a schema cannot say.
 */
export function profileErrors(body: unknown): FieldError[] {
  return bodyErrors(profileBody, body, { of: 'profile', alsoWrong: takenForSystem })
}

/** A name that looks like the system's would give its owner the trust that people have in the system. */
function takenForSystem(name: unknown): string | undefined {
  return looksLikeSystem(String(name)) ? 'must not look like the name of the system itself' : undefined
}

/** The same for preferences. */
export function preferencesErrors(body: unknown): FieldError[] {
  return bodyErrors(preferencesBody, body, { of: 'body' })
}
