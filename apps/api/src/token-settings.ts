/** The meaning of the claims in an issuer's tokens: from OIDC_SUBJECT_CLAIM, OIDC_SCOPE_CLAIMS, OIDC_OPERATOR and OIDC_WRITER. */
import type { Scope } from '@streampay/domain'
import { type ClaimRule, defaultClaims, type ScopeRules, type TokenClaims } from '@streampay/gateway'
import { type Environment, listSetting, SettingError, textSetting } from '@streampay/process'

export type TokenSettings = {
  readonly claims: TokenClaims
  readonly rules: ScopeRules
  /** The claim of operators; undefined: there are none. */
  readonly operator: ClaimRule | undefined
  /** The claim of operators who may write; undefined: there are none. */
  readonly writer: ClaimRule | undefined
}

/** The permissions of operators, which other people don't have: each follows from one claim, which the installation sets. */
const operatorScope: Scope = 'read:console'
const writerScope: Scope = 'write:console'
/** The development issuer's sign-in page has a switch for them. */
const inDevelopment = (scope: Scope): ClaimRule => ({ claim: 'scope', value: scope })

/**
 * An external issuer may grant every scope that a client requests, so only OIDC_OPERATOR makes an
 * operator there, and only OIDC_WRITER one who may write.
 * @throws SettingError
 */
export function tokenSettingsFrom(env: Environment, isDevelopment: boolean): TokenSettings {
  const scopeClaims = listSetting(env, 'OIDC_SCOPE_CLAIMS')
  const claims = {
    subject: textSetting(env, 'OIDC_SUBJECT_CLAIM', defaultClaims.subject),
    scopes: scopeClaims.length > 0 ? scopeClaims : defaultClaims.scopes,
  }
  const operator = ruleFrom(env, 'OIDC_OPERATOR', isDevelopment ? inDevelopment(operatorScope) : undefined)
  const writer = ruleFrom(env, 'OIDC_WRITER', isDevelopment ? inDevelopment(writerScope) : undefined)
  const rules = new Map([
    [operatorScope, operator ?? null],
    [writerScope, writer ?? null],
  ])
  return { claims, operator, writer, rules }
}

/** Whether the user interface has to request a scope: not if it follows from another claim, or from none. */
export function isAskedFor(scope: Scope, { claims, operator, writer }: TokenSettings): boolean {
  if (scope !== operatorScope && scope !== writerScope) return true
  const rule = scope === operatorScope ? operator : writer
  return rule?.value === scope && claims.scopes.includes(rule.claim)
}

/** @returns the rule, or the default without one @throws SettingError */
function ruleFrom(env: Environment, name: string, otherwise: ClaimRule | undefined): ClaimRule | undefined {
  const text = textSetting(env, name, undefined)
  if (text === undefined) return otherwise
  const rule = operatorRule(text)
  if (rule !== undefined) return rule
  throw new SettingError(`${name} must be a claim and its value, such as roles=operator, not "${text}".`)
}

/** The claim may be a URL, and has no `=`. */
function operatorRule(text: string): ClaimRule | undefined {
  const [, claim, value] = /^([^=\s]+)=(\S+)$/.exec(text) ?? []
  return claim === undefined || value === undefined ? undefined : { claim, value }
}
