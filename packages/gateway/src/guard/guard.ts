/**
 * Authentication and permissions: verifies JWT access tokens (RFC 9068, RFC 8725) of one issuer for one audience.
 * Only subject, scopes and expiry of a token leave this folder (INV-6).
 */
import { errors, type JWTHeaderParameters, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { LRUCache } from 'lru-cache'
import type { Clock } from '../shared/clock.ts'
import { ProblemError } from '../shared/problem.ts'
import { AccessRefusal } from './access-refusal.ts'
import { claimOf, type ScopeRules, scopesOf, type TokenClaims } from './token-claims.ts'
import { kindFault } from './token-kind.ts'

export type Identity = {
  /** The token's `sub`, or the value of the claim that is set for it. */
  readonly subject: string
  readonly scopes: ReadonlySet<string>
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

export type GuardOptions = {
  readonly issuer: string
  readonly audience: string
  readonly claims: TokenClaims
  readonly rules: ScopeRules
  /** Whether a subject belongs to the system itself, or looks as if it did. */
  readonly isReserved: (subject: string) => boolean
  readonly keys: JWTVerifyGetKey
  readonly clock: Clock
  readonly realm: string
}

export type Guard = {
  /** @throws ProblemError 401 without a valid token, 403 for a reserved subject, 503 if the issuer's keys are not available */
  identify(authorization: string | undefined): Promise<Identity>
}

/** The allowed difference of the clocks of issuer and gateway; other resource servers allow as much. */
const leewaySeconds = 60
/** Only signatures with a private key: with a shared secret, every verifier could also forge tokens. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']
/** OpenID Connect Core 1.0, section 2. */
const longestSubject = 255
/** The limit of all headers of a request together is 16 KiB. */
const longestToken = 12_288

/** The verification of a token is cached for this long; after that, a withdrawn key is no longer accepted. */
const rememberMs = 60_000
/** The cache: headers of verified tokens, with the results; about 10,000 of usual length. */
const mostRememberedBytes = 16 * 1024 * 1024
/** The memory of one entry beside its text. */
const rememberedBytes = 500

export function openGuard(options: GuardOptions): Guard {
  // The key is the text of the header: a digest would take longer than all other steps.
  const remembered = new LRUCache<string, { readonly identity: Identity; readonly until: number }>({
    maxSize: mostRememberedBytes,
    sizeCalculation: (_known, header) => header.length + rememberedBytes,
  })

  async function identify(authorization: string | undefined): Promise<Identity> {
    const now = options.clock.now()
    const known = authorization === undefined ? undefined : remembered.get(authorization)
    if (known !== undefined && now < known.until) return known.identity
    const { header, token } = tokenOf(authorization, options.realm)
    const identity = identityOf(await verify(token, options), options)
    remembered.set(header, { identity, until: Math.min(now + rememberMs, identity.expiresAt) })
    return identity
  }

  return { identify }
}

/** @throws AccessRefusal 403 naming the scope (RFC 6750, section 3.1) */
export function requireScope({ scopes, subject }: Identity, scope: string, realm: string): void {
  if (scopes.has(scope)) return
  throw new AccessRefusal('missing-scope', `This needs the permission "${scope}", which the token does not have.`, {
    headers: { 'www-authenticate': `Bearer realm="${realm}", error="insufficient_scope", scope="${scope}"` },
    members: { scope },
    subject,
  })
}

function tokenOf(
  authorization: string | undefined,
  realm: string,
): { readonly header: string; readonly token: string } {
  if (authorization === undefined) throw unauthorized('The request has no Authorization header.', realm)
  const match = /^Bearer +([\w~+/.-]+=*) *$/i.exec(authorization)
  const token = match?.[1]
  if (token === undefined) throw unauthorized('The Authorization header is not of the form "Bearer <token>".', realm)
  if (token.length > longestToken) {
    throw invalid(`The token has ${token.length} characters; at most ${longestToken} are accepted.`, realm)
  }
  const parts = token.split('.').length
  if (parts === 5) throw invalid('The token is encrypted (JWE); only signed ones (JWS) are accepted.', realm)
  if (parts !== 3) throw invalid('The token is not a JWT: opaque tokens are not supported.', realm)
  return { header: authorization, token }
}

type Verified = { readonly payload: JWTPayload; readonly protectedHeader: JWTHeaderParameters }

async function verify(
  token: string,
  { issuer, audience, claims, keys, clock, realm }: GuardOptions,
): Promise<Verified> {
  try {
    return await jwtVerify(token, keys, {
      issuer,
      audience,
      algorithms,
      clockTolerance: leewaySeconds,
      requiredClaims: ['exp'],
      currentDate: new Date(clock.now()),
    })
  } catch (error) {
    throw refusalOf(error, realm, claims)
  }
}

function refusalOf(error: unknown, realm: string, claims: TokenClaims): ProblemError {
  if (error instanceof errors.JWTExpired) {
    return invalid('The token has expired.', realm, claimOf(error.payload, claims.subject))
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    const subject = claimOf(error.payload, claims.subject)
    return invalid(`The claim "${error.claim}" of the token is not accepted here.`, realm, subject)
  }
  if (error instanceof errors.JWKSNoMatchingKey)
    return invalid('The issuer has no key with the key id of the token.', realm)
  if (error instanceof errors.JWSSignatureVerificationFailed) return invalid('The signature is wrong.', realm)
  if (error instanceof errors.JOSEAlgNotAllowed)
    return invalid('The algorithm of the signature is not accepted.', realm)
  return isOfFetching(error) ? outOfReach(error) : invalid('The token is not a valid JWT.', realm)
}

/** Fetching the keys fails by a network error, by this gateway's errors, or by one of these of jose; all other errors are the token's. */
function isOfFetching(error: unknown): boolean {
  if (!(error instanceof errors.JOSEError)) return true
  return error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid || error.code === 'ERR_JOSE_GENERIC'
}

function outOfReach(cause: unknown): ProblemError {
  const detail = 'The keys of the token issuer cannot be fetched now.'
  return new ProblemError('try-again', detail, { headers: { 'retry-after': '2' }, cause })
}

function identityOf({ payload, protectedHeader }: Verified, options: GuardOptions): Identity {
  const { claims, rules, isReserved, realm } = options
  const subject = claimOf(payload, claims.subject)
  const fault = kindFault(protectedHeader, payload, claims) ?? subjectFault(subject)
  const expiresAt = Number(payload.exp) * 1000
  // A higher value is no valid date.
  if (fault !== undefined || typeof subject !== 'string' || !(expiresAt <= 8.64e15)) {
    throw invalid(fault ?? 'The token has no usable time of expiry.', realm, subject)
  }
  if (isReserved(subject)) {
    throw new AccessRefusal('reserved-identity', 'This subject is reserved for the system itself.', { subject })
  }
  return { subject, scopes: scopesOf(payload, claims, rules), expiresAt }
}

/** A subject becomes a key and a header on the log, so it must be text that encoding does not change. */
function subjectFault(subject: unknown): string | undefined {
  if (typeof subject !== 'string' || subject === '') return 'The token has no subject.'
  if (subject.length > longestSubject) {
    return `The subject of the token has ${subject.length} characters; at most ${longestSubject} are accepted.`
  }
  if (!subject.isWellFormed()) return 'The subject of the token is not valid Unicode.'
  return /\p{Cc}/u.test(subject) ? 'The subject of the token contains control characters.' : undefined
}

function unauthorized(detail: string, realm: string): ProblemError {
  return new AccessRefusal('unauthorized', detail, { headers: { 'www-authenticate': `Bearer realm="${realm}"` } })
}

/** Details are sentences of this folder and never text of the token, so that the header stays a valid quoted string. */
function invalid(detail: string, realm: string, subject?: unknown): ProblemError {
  const described = `Bearer realm="${realm}", error="invalid_token", error_description="${detail.replaceAll('"', "'")}"`
  return new AccessRefusal('unauthorized', detail, { headers: { 'www-authenticate': described }, subject })
}
