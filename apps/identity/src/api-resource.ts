/** The API that tokens of this issuer are for, and the configuration of an issuer. */
import { audience } from '@streampay/domain/identities'
import { scopes as apiScopes } from '@streampay/domain/scopes'
import { errors } from 'oidc-provider'
import type { Logger } from 'pino'
import type { Secrets } from './secrets.ts'
import type { IdentityStore } from './store.ts'

export type IssuerOptions = {
  /** The issuer's URL as browsers see it, through the gateway: `https://localhost:9090/identity`. */
  readonly issuer: string
  /** More origins whose `/callback` may be redirected to, besides the issuer's own. */
  readonly redirectOrigins: readonly string[]
  readonly accessTokenSeconds: number
  readonly store: IdentityStore
  readonly secrets: Secrets
  readonly logger: Logger
}

/** The API that access tokens are for, as a resource indicator: a URI (RFC 8707). The gateway checks the audience. */
export const apiResource = 'urn:streampay:api'
/** The API's permissions and token settings. @throws InvalidTarget for any other resource */
export function apiResourceServer(resource: string, accessTokenSeconds: number) {
  if (resource !== apiResource) throw new errors.InvalidTarget(`unknown resource; the only one is ${apiResource}`)
  return {
    scope: apiScopes.join(' '),
    audience,
    accessTokenFormat: 'jwt',
    accessTokenTTL: accessTokenSeconds,
    jwt: { sign: { alg: 'RS256' } },
  } as const
}
