/**
 * The issuer's public keys: found by OpenID Connect Discovery (or configured), cached, and fetched again when a token
 * has an unknown key, at most once per cool-down: so a rotation is noticed, and forged key ids cause no flood of requests.
 *
 * If the issuer is away, its users must not be signed out: known keys are used for `staleMs`, with a warning and a
 * metric. A key that the issuer has withdrawn meanwhile is accepted for as long.
 */
import { createLocalJWKSet, createRemoteJWKSet, errors, type JWTVerifyGetKey } from 'jose'
import type { Clock } from '../shared/clock.ts'

export type KeySourceOptions = {
  readonly issuer: string
  /** Skips discovery. The development issuer is asked directly at its loopback address. */
  readonly jwksUri?: string
  readonly timeoutMs: number
  readonly cooldownMs: number
  readonly maxAgeMs: number
  /** How long known keys are used after the last successful fetch. */
  readonly staleMs: number
  readonly clock: Clock
  readonly logger: { readonly warn: (details: object, message: string) => void }
}

export type KeySource = {
  readonly key: JWTVerifyGetKey
  /** The time since the keys were fetched, in milliseconds; undefined if there are none. */
  ageMs(): number | undefined
}

/** The issuer to check, and how long one request to it may take. */
export type IssuerCheck = Pick<KeySourceOptions, 'issuer' | 'timeoutMs'> & {
  /** The address of its keys. Default: the one in its discovery document. */
  readonly jwksUri?: string | undefined
}

/** The issuer's discovery document has no address of keys, or belongs to another issuer. */
export class DiscoveryError extends Error {
  readonly code = 'discovery-failed'
}

type KnownKeys = { readonly find: JWTVerifyGetKey; readonly fetchedAt: number }

/** While the issuer stays away, the warning is repeated at this interval. */
const warnEveryMs = 600_000

export function openKeySource(options: KeySourceOptions): KeySource {
  const source = new FetchedKeys(options)
  return { key: (header, token) => source.find(header, token), ageMs: () => source.ageMs() }
}

class FetchedKeys {
  readonly #options: KeySourceOptions
  #known: KnownKeys | undefined
  /** The address of the keys, found once; a failure clears it, so that the next attempt asks the issuer again. */
  #uri: string | undefined
  #fetching: Promise<void> | undefined
  #triedAt = Number.NEGATIVE_INFINITY
  #warnedAt = Number.NEGATIVE_INFINITY

  constructor(options: KeySourceOptions) {
    this.#options = options
    this.#uri = options.jwksUri
  }

  ageMs(): number | undefined {
    return this.#known === undefined ? undefined : this.#options.clock.elapsed() - this.#known.fetchedAt
  }

  find: JWTVerifyGetKey = async (header, token) => {
    const known = await this.#current()
    try {
      return await known.find(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || !this.#mayTry()) throw error
      await this.#refresh()
      return (this.#known ?? known).find(header, token)
    }
  }

  /**
   * Known keys, which are fetched anew in the background: a slow issuer delays no request. Only if there are none, or
   * they are too old, it waits for the fetch. @throws the error of the fetch
   */
  async #current(): Promise<KnownKeys> {
    const { maxAgeMs } = this.#options
    const age = this.ageMs() ?? Number.POSITIVE_INFINITY
    if (this.#known === undefined || this.#isTooOld()) await this.#refresh()
    // The fetch itself logs its failure.
    else if (age >= maxAgeMs && this.#mayTry()) this.#refresh().catch(() => undefined)
    if (this.#known === undefined) throw new DiscoveryError('there are no keys yet')
    return this.#known
  }

  #mayTry(): boolean {
    return this.#options.clock.elapsed() - this.#triedAt >= this.#options.cooldownMs
  }

  #isTooOld(): boolean {
    return (this.ageMs() ?? 0) >= this.#options.staleMs
  }

  /** Only one fetch at a time. A failure is thrown only if there are no keys to use meanwhile. */
  #refresh(): Promise<void> {
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = undefined
    })
    return this.#fetching
  }

  async #fetch(): Promise<void> {
    const { clock, issuer, timeoutMs, jwksUri } = this.#options
    this.#triedAt = clock.elapsed()
    try {
      this.#uri ??= await discover({ issuer, timeoutMs })
      const remote = createRemoteJWKSet(new URL(this.#uri), { timeoutDuration: timeoutMs })
      await remote.reload()
      const keys = remote.jwks()
      if (keys === undefined) throw new DiscoveryError(`${this.#uri} has no keys`)
      this.#known = { find: createLocalJWKSet(keys), fetchedAt: clock.elapsed() }
    } catch (error) {
      this.#uri = jwksUri
      if (this.#known === undefined || this.#isTooOld()) throw error
      this.#warn(error)
    }
  }

  #warn(error: unknown): void {
    const { clock, issuer, logger } = this.#options
    if (clock.elapsed() - this.#warnedAt < warnEveryMs) return
    this.#warnedAt = clock.elapsed()
    const ageMs = Math.round(this.ageMs() ?? 0)
    const reason = error instanceof Error ? reasonOf(error) : String(error)
    logger.warn({ issuer, ageMs, reason }, 'the keys of the issuer cannot be fetched; the known ones stay in use')
  }
}

/**
 * Checks once whether the issuer's keys are available, for a warning at start: without them every token is refused.
 * @returns the reason in words; undefined if they are available
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

/** `fetch` itself only says "fetch failed"; the reason is in its causes. */
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
    if (typeof document !== 'object' || document === null) throw new DiscoveryError(`${url} is not a JSON object`)
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
