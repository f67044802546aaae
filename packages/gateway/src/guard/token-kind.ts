/**
 * Whether a verified JWT is an access token that a bearer may use. Issuers sign other tokens with the same keys, and a
 * token for one purpose must not be accepted for another (RFC 8725, sections 2.8 and 3.11).
 *
 * RFC 9068 requires `typ: at+jwt`, which Auth0 and Keycloak can be set to write, and Okta and Entra ID don't write. `JWT` and
 * a missing `typ` are accepted as well; then the claims decide.
 */
import type { JWTHeaderParameters, JWTPayload } from 'jose'
import { saysScopes, type TokenClaims } from './token-claims.ts'

const accessTokenTypes = new Set(['at+jwt', 'jwt'])
/** Keycloak also writes the kind of a token into the body. */
const bodyTypes = new Set(['bearer', 'at+jwt', 'jwt'])
/** These claims bind an ID token to the response with it (OpenID Connect Core 1.0, sections 3.1.3.6 and 3.3.2.11). */
const idTokenClaims = ['at_hash', 'c_hash', 's_hash']

/** @returns the reason against it, as a sentence without text of the token; undefined for an access token */
export function kindFault(
  header: Pick<JWTHeaderParameters, 'typ'>,
  payload: JWTPayload,
  claims: TokenClaims,
): string | undefined {
  const type = lower(header.typ)?.replace(/^application\//, '')
  if (type !== undefined && !accessTokenTypes.has(type)) return 'The token is of another type than an access token.'
  // A token that is bound to a key is only valid with a proof of that key: RFC 9449 (DPoP), RFC 8705 (mutual TLS).
  if (payload.cnf !== undefined) return 'The token is bound to a key (DPoP or mutual TLS), which is not supported here.'
  if (payload.events !== undefined) return 'The token is about an event, such as a logout: it is not an access token.'
  if (type === 'at+jwt') return undefined
  const bodyType = lower(payload.typ)
  if (bodyType !== undefined && !bodyTypes.has(bodyType)) return 'The token is of another type than an access token.'
  if (lower(payload.token_use) === 'id') return 'The token is an ID token, not an access token.'
  const isBound = idTokenClaims.some((name) => payload[name] !== undefined)
  if (isBound || (payload.nonce !== undefined && !saysScopes(payload, claims))) {
    return 'The token is an ID token, not an access token.'
  }
  return undefined
}

/** A value that is not text matches no known type. */
function lower(value: unknown): string | undefined {
  if (value === undefined) return undefined
  return typeof value === 'string' ? value.toLowerCase() : ''
}
