/**
 * The issuer's public keys: found by OpenID Connect Discovery (or given outright), cached, and fetched again when a token
 * names an unknown key, at most once in a cool-down, so that a rotation is noticed and a flood of forged ids is not.
 */
import { createRemoteJWKSet, type JWTVerifyGetKey } from 'jose'

export type KeySourceOptions = {
  readonly issuer: string
  /** Skips discovery. The development issuer is asked straight at its loopback address. */
  readonly jwksUri?: string
  readonly timeoutMs: number
  readonly cooldownMs: number
  readonly maxAgeMs: number
}

export type IssuerCheck = Pick<KeySourceOptions, 'issuer' | 'timeoutMs'> & { readonly jwksUri?: string | undefined }

/** The issuer did not say where its keys are, or said it for another issuer. */
export class DiscoveryError extends Error {
  readonly code = 'discovery-failed'
}

export function openKeySource(options: KeySourceOptions): JWTVerifyGetKey {
  const keysAt = (uri: string) =>
    createRemoteJWKSet(new URL(uri), {
      timeoutDuration: options.timeoutMs,
      cooldownDuration: options.cooldownMs,
      cacheMaxAge: options.maxAgeMs,
    })
  if (options.jwksUri !== undefined) return keysAt(options.jwksUri)

  // Found once; a failure is forgotten, so that the next request tries again.
  let found: Promise<JWTVerifyGetKey> | undefined
  return async (header, token) => {
    found ??= discover(options).then(keysAt)
    try {
      return await (await found)(header, token)
    } catch (error) {
      if (error instanceof DiscoveryError) found = undefined
      throw error
    }
  }
}

/**
 * Looks once whether the issuer's keys can be had, for a warning at start: without them every token is refused.
 * @returns why not, in words; undefined if they can
 */
export async function issuerFault({ issuer, jwksUri, timeoutMs }: IssuerCheck): Promise<string | undefined> {
  try {
    const uri = jwksUri ?? (await discover({ issuer, timeoutMs }))
    await createRemoteJWKSet(new URL(uri), { timeoutDuration: timeoutMs }).reload()
    return undefined
  } catch (error) {
    return error instanceof Error ? reasonOf(error) : String(error)
  }
}

/** `fetch` says in its causes what failed, and only "fetch failed" itself. */
function reasonOf(error: Error): string {
  const causes: string[] = []
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    const text = cause.message || ('code' in cause ? String(cause.code) : cause.name)
    if (text !== 'fetch failed') causes.push(text)
  }
  return causes.join(': ')
}

/** OpenID Connect Discovery 1.0, section 4. @throws DiscoveryError */
async function discover({ issuer, timeoutMs }: IssuerCheck): Promise<string> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) })
    if (!response.ok) throw new DiscoveryError(`${url} answered ${response.status}`)
    const document: unknown = await response.json()
    if (typeof document !== 'object' || document === null) throw new DiscoveryError(`${url} holds no JSON object`)
    const claimed: unknown = Reflect.get(document, 'issuer')
    const uri: unknown = Reflect.get(document, 'jwks_uri')
    if (claimed !== issuer)
      throw new DiscoveryError(`${url} is the document of "${String(claimed)}", not of "${issuer}"`)
    if (typeof uri !== 'string') throw new DiscoveryError(`${url} names no jwks_uri`)
    return uri
  } catch (error) {
    if (error instanceof DiscoveryError) throw error
    throw new DiscoveryError(`${url} cannot be read`, { cause: error })
  }
}
