/** Which claims of an issuer's tokens mean what: from OIDC_SUBJECT_CLAIM, OIDC_SCOPE_CLAIMS, OIDC_OPERATOR and OIDC_WRITER. */
import type { Scope } from '@streampay/domain'
import { type ClaimRule, defaultClaims, type ScopeRules, type TokenClaims } from '@streampay/gateway'
import { type Environment, listSetting, SettingError, textSetting } from '@streampay/process'

export type TokenSettings = {
  readonly claims: TokenClaims
  readonly rules: ScopeRules
  /** Which tokens make an operator; undefined: none does. */
  readonly operator: ClaimRule | undefined
  /** Which tokens make an operator who may write; undefined: none does. */
  readonly writer: ClaimRule | undefined
}

/** What operators may, and other people may not: each by one claim, which the installation names. */
const operatorScope: Scope = 'read:console'
const writerScope: Scope = 'write:console'
/** The development issuer has a switch for them on its sign-in page. */
const inDevelopment = (scope: Scope): ClaimRule => ({ claim: 'scope', value: scope })

/**
 * Another issuer than the development one may grant every scope that is asked for, so nothing but OIDC_OPERATOR makes an
 * operator there, and nothing but OIDC_WRITER one who may write.
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

/** Whether the user interface has to ask for a scope: not for one that follows from another claim, or from none. */
export function isAskedFor(scope: Scope, { claims, operator, writer }: TokenSettings): boolean {
  if (scope !== operatorScope && scope !== writerScope) return true
  const rule = scope === operatorScope ? operator : writer
  return rule?.value === scope && claims.scopes.includes(rule.claim)
}

/** @returns the rule, or what there is without one @throws SettingError */
function ruleFrom(env: Environment, name: string, otherwise: ClaimRule | undefined): ClaimRule | undefined {
  const text = textSetting(env, name, undefined)
  if (text === undefined) return otherwise
  const rule = operatorRule(text)
  if (rule !== undefined) return rule
  throw new SettingError(`${name} must be a claim and its value, such as roles=operator, not "${text}".`)
}

/** The claim may be a URL, and hold no `=`. */
function operatorRule(text: string): ClaimRule | undefined {
  const [, claim, value] = /^([^=\s]+)=(\S+)$/.exec(text) ?? []
  return claim === undefined || value === undefined ? undefined : { claim, value }
}
