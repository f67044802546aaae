/**
 * Who is asking, and what may they do: verifies JWT access tokens (RFC 9068, RFC 8725) of one issuer for one audience.
 * Whatever the token says beyond subject, scopes and expiry goes no further than this file (INV-6).
 */
import { createHash } from 'node:crypto'
import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import type { Clock } from '../clock.ts'
import { ProblemError } from '../http/problem.ts'

export type Identity = {
  /** The token's `sub`. */
  readonly subject: string
  readonly scopes: ReadonlySet<string>
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

export type GuardOptions = {
  readonly issuer: string
  readonly audience: string
  /** Subjects that begin so belong to the system itself. */
  readonly reservedPrefix: string
  readonly keys: JWTVerifyGetKey
  readonly clock: Clock
  readonly realm: string
}

export type Guard = {
  /** @throws ProblemError 401 without a valid token, 403 for a reserved subject, 503 if the issuer's keys are out of reach */
  identify(authorization: string | undefined): Promise<Identity>
}

/** Clocks of issuer and gateway may differ by so much. */
const leewaySeconds = 5
/** Only signatures with a private key: with a shared secret, whoever verifies could also forge. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']
const longestSubject = 255
const longestToken = 8192

/** A verified token is believed again for this long, so that a withdrawn key is not believed for ever. */
const rememberMs = 60_000
const mostRemembered = 10_000

export function openGuard(options: GuardOptions): Guard {
  // By the token's digest, oldest first; the tokens themselves are not kept.
  const remembered = new Map<string, { readonly identity: Identity; readonly until: number }>()

  async function identify(authorization: string | undefined): Promise<Identity> {
    const token = tokenOf(authorization, options.realm)
    const digest = createHash('sha256').update(token).digest('base64')
    const now = options.clock.now()
    const known = remembered.get(digest)
    if (known !== undefined && now < known.until) return known.identity
    const identity = identityOf(await verify(token, options), options)
    remembered.delete(digest)
    remembered.set(digest, { identity, until: Math.min(now + rememberMs, identity.expiresAt) })
    for (const oldest of remembered.keys()) {
      if (remembered.size <= mostRemembered) break
      remembered.delete(oldest)
    }
    return identity
  }

  return { identify }
}

/** @throws ProblemError 403 naming the scope (RFC 6750, section 3.1) */
export function requireScope(identity: Identity, scope: string, realm: string): void {
  if (identity.scopes.has(scope)) return
  throw new ProblemError('missing-scope', `This needs the permission "${scope}", which the token does not have.`, {
    headers: { 'www-authenticate': `Bearer realm="${realm}", error="insufficient_scope", scope="${scope}"` },
    members: { scope },
  })
}

function tokenOf(authorization: string | undefined, realm: string): string {
  if (authorization === undefined) throw unauthorized('The request has no Authorization header.', realm)
  const match = /^Bearer +([\w~+/.-]+=*) *$/i.exec(authorization)
  const token = match?.[1]
  if (token === undefined || token.length > longestToken) {
    throw unauthorized('The Authorization header is not of the form "Bearer <token>".', realm)
  }
  return token
}

async function verify(token: string, { issuer, audience, keys, clock, realm }: GuardOptions): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, keys, {
      issuer,
      audience,
      algorithms,
      clockTolerance: leewaySeconds,
      requiredClaims: ['sub', 'exp'],
      currentDate: new Date(clock.now()),
    })
    return payload
  } catch (error) {
    throw refusalOf(error, realm)
  }
}

function refusalOf(error: unknown, realm: string): ProblemError {
  if (error instanceof errors.JWTExpired) return invalid('The token has expired.', realm)
  if (error instanceof errors.JWTClaimValidationFailed) {
    return invalid(`The claim "${error.claim}" of the token is not accepted here.`, realm)
  }
  if (error instanceof errors.JWKSNoMatchingKey) return invalid("The issuer has no such key as the token's.", realm)
  if (error instanceof errors.JWSSignatureVerificationFailed) return invalid('The signature is wrong.', realm)
  return isOfFetching(error) ? outOfReach(error) : invalid('The token is not a valid JWT.', realm)
}

/** Fetching the keys fails by a network error, by our own, or by one of these of jose; all others are the token's. */
function isOfFetching(error: unknown): boolean {
  if (!(error instanceof errors.JOSEError)) return true
  return error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid || error.code === 'ERR_JOSE_GENERIC'
}

function outOfReach(cause: unknown): ProblemError {
  const detail = 'The keys of the token issuer cannot be fetched now.'
  return new ProblemError('try-again', detail, { headers: { 'retry-after': '2' }, cause })
}

function identityOf(payload: JWTPayload, { reservedPrefix, realm }: GuardOptions): Identity {
  const { sub, exp } = payload
  if (typeof sub !== 'string' || sub === '' || sub.length > longestSubject || typeof exp !== 'number') {
    throw invalid('The token names no usable subject.', realm)
  }
  if (sub.startsWith(reservedPrefix)) {
    throw new ProblemError('reserved-identity', `Subjects that begin with "${reservedPrefix}" are not accepted.`)
  }
  return { subject: sub, scopes: scopesOf(payload), expiresAt: exp * 1000 }
}

/** From `scope`, separated by spaces (RFC 8693), and from `permissions`, a list, as Auth0 issues them. */
function scopesOf(payload: JWTPayload): ReadonlySet<string> {
  const scope: unknown = payload.scope
  const permissions: unknown = payload.permissions
  const granted = new Set<string>()
  if (typeof scope === 'string') for (const name of scope.split(' ')) if (name !== '') granted.add(name)
  if (Array.isArray(permissions)) for (const name of permissions) if (typeof name === 'string') granted.add(name)
  return granted
}

function unauthorized(detail: string, realm: string): ProblemError {
  return new ProblemError('unauthorized', detail, { headers: { 'www-authenticate': `Bearer realm="${realm}"` } })
}

/** Details are sentences of this file, never of the token, so that the header stays a valid quoted string. */
function invalid(detail: string, realm: string): ProblemError {
  const described = `Bearer realm="${realm}", error="invalid_token", error_description="${detail.replaceAll('"', "'")}"`
  return new ProblemError('unauthorized', detail, { headers: { 'www-authenticate': described } })
}
