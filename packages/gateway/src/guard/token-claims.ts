/**
 * The permissions of a token, read from the claims of different issuers: `scope` (RFC 8693, RFC 9068), `scp` (Okta as a list,
 * Entra ID as text) and `permissions` (Auth0), each as text separated by blanks or as a list. Other names can be set.
 *
 * A claim is found by its whole name first (`https://example.com/roles`), then by its path (`realm_access.roles`, which is
 * Keycloak's nesting).
 */
import type { JWTPayload } from 'jose'

/** Names of claims, each a whole name or a path with dots. */
export type TokenClaims = {
  /** The claims with permissions; those of all names are added. */
  readonly scopes: readonly string[]
  /** The claim with the identity. */
  readonly subject: string
}

/** The identity is `sub`; permissions are in `scope` (RFC 8693), `scp` (Okta, Entra ID) and `permissions` (Auth0). */
export const defaultClaims: TokenClaims = { scopes: ['scope', 'scp', 'permissions'], subject: 'sub' }

/** Matches a token whose claim has this value, alone or among others. */
export type ClaimRule = {
  /** The name of a claim; dots lead into nested claims. */
  readonly claim: string
  /** The text that the claim must equal, or contain if it is a list or has words separated by spaces. */
  readonly value: string
}

/**
 * Permissions that follow from a rule only: the token's scopes don't grant them, because an issuer may grant every scope that a
 * client requests. Null: no token has it.
 */
export type ScopeRules = ReadonlyMap<string, ClaimRule | null>

export function scopesOf(payload: JWTPayload, { scopes }: TokenClaims, rules: ScopeRules): ReadonlySet<string> {
  const granted = new Set(scopes.flatMap((name) => wordsOf(claimOf(payload, name))))
  for (const [scope, rule] of rules) {
    if (rule !== null && wordsOf(claimOf(payload, rule.claim)).includes(rule.value)) granted.add(scope)
    else granted.delete(scope)
  }
  return granted
}

/** Whether one of the claims exists, even if it is empty. */
export function saysScopes(payload: JWTPayload, { scopes }: TokenClaims): boolean {
  return scopes.some((name) => claimOf(payload, name) !== undefined)
}

export function claimOf(payload: JWTPayload, name: string): unknown {
  if (Object.hasOwn(payload, name)) return payload[name]
  let value: unknown = payload
  for (const part of name.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined
    value = Reflect.get(value, part)
  }
  return value
}

function wordsOf(value: unknown): string[] {
  if (typeof value === 'string') return value.split(' ').filter((word) => word !== '')
  if (!Array.isArray(value)) return []
  return value.filter((item): item is string => typeof item === 'string' && item !== '')
}
