/** Which claims of an issuer's tokens mean what: from OIDC_SUBJECT_CLAIM, OIDC_SCOPE_CLAIMS and OIDC_OPERATOR. */
import type { Scope } from '@streampay/domain'
import { type ClaimRule, defaultClaims, type ScopeRules, type TokenClaims } from '@streampay/gateway'

export type TokenSettings = {
  readonly claims: TokenClaims
  readonly rules: ScopeRules
  /** Which tokens make an operator; undefined: none does. */
  readonly operator: ClaimRule | undefined
}

/** What operators may, and other people may not. */
const operatorScope: Scope = 'read:console'
/** The development issuer has a switch for it on its sign-in page. */
const developmentOperator: ClaimRule = { claim: 'scope', value: operatorScope }

type Env = Readonly<Record<string, string | undefined>>

/**
 * Another issuer than the development one may grant every scope that is asked for, so nothing but OIDC_OPERATOR makes an
 * operator there.
 * @returns the settings, or one sentence that names the variable
 */
export function tokenSettingsFrom(env: Env, isDevelopment: boolean): TokenSettings | string {
  const scopeClaims = (env.OIDC_SCOPE_CLAIMS ?? '').split(',').flatMap((name) => name.trim() || [])
  const claims = {
    subject: env.OIDC_SUBJECT_CLAIM || defaultClaims.subject,
    scopes: scopeClaims.length > 0 ? scopeClaims : defaultClaims.scopes,
  }
  const text = env.OIDC_OPERATOR ?? ''
  const rule = operatorRule(text)
  if (text !== '' && rule === undefined) {
    return `OIDC_OPERATOR must be a claim and its value, such as roles=operator, not "${text}".`
  }
  const operator = rule ?? (isDevelopment ? developmentOperator : undefined)
  return { claims, operator, rules: new Map([[operatorScope, operator ?? null]]) }
}

/** Whether the user interface has to ask for a scope: not for one that follows from another claim, or from none. */
export function isAskedFor(scope: Scope, { claims, operator }: TokenSettings): boolean {
  if (scope !== operatorScope) return true
  return operator?.value === scope && claims.scopes.includes(operator.claim)
}

/** The claim may be a URL, and hold no `=`. */
function operatorRule(text: string): ClaimRule | undefined {
  const [, claim, value] = /^([^=\s]+)=(\S+)$/.exec(text) ?? []
  return claim === undefined || value === undefined ? undefined : { claim, value }
}
