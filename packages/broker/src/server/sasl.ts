/**
 * SASL on one connection: PLAIN (RFC 4616) and SCRAM-SHA-256/512 (RFC 5802, RFC 7677), with the credentials of the
 * broker's options. A session takes the client's tokens one after another and returns the answers.
 *
 * A user that doesn't exist gets the same answers as one with a wrong password: a salt that stays the same, after the same
 * steps, with the same text. Wrong passwords slow their address down (`login-pace.ts`).
 *
 * Differences from Apache Kafka: no re-authentication, no authorization ids other than the user, no delegation tokens.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Warn } from './line-budget.ts'
import type { LoginPace } from './login-pace.ts'
import {
  type HashName,
  hashOf,
  type Mechanism,
  mechanisms,
  SCRAM_ITERATIONS,
  type ScramSecret,
  type ScramStore,
} from './scram-store.ts'

type SaslStep = { readonly ok: true; readonly token: Buffer } | { readonly ok: false; readonly reason: string }

/**
 *     required ──handshake──► exchanging ──last token──► done
 *        ▲                        │
 *        └─────── refused ────────┘        (without credentials: open from the start)
 */
export type SaslSession = {
  readonly state: 'open' | 'required' | 'exchanging' | 'done'
  /** The user, once known. */
  readonly principal: string | null
  /** True after a handshake of version 0: tokens are frames without header. */
  readonly bareTokens: boolean
  begin(mechanism: string, bareTokens: boolean): boolean
  step(token: Buffer): Promise<SaslStep>
}

type Exchange = (token: Buffer) => { step: SaslStep; principal: string | null }

export type SaslSessionParts = {
  readonly credentials: ScramStore
  readonly loginPace: LoginPace
  /** The peer's address. */
  readonly host: string
  readonly warn: Warn
}

export function openSaslSession({ credentials, loginPace, host, warn }: SaslSessionParts): SaslSession {
  let state: SaslSession['state'] = credentials.empty ? 'open' : 'required'
  let principal: string | null = null
  let bareTokens = false
  let exchange: Exchange | null = null
  return {
    get state() {
      return state
    },
    get principal() {
      return principal
    },
    get bareTokens() {
      return bareTokens && state === 'exchanging'
    },
    begin(mechanism, bare) {
      const known = mechanisms.find((name) => name === mechanism)
      if (!known || state === 'open') return false
      exchange = known === 'PLAIN' ? plainExchange(credentials) : scramExchange(credentials, known)
      bareTokens = bare
      state = 'exchanging'
      return true
    },
    async step(token) {
      await loginPace.pause(host)
      if (!exchange || state !== 'exchanging') return { ok: false, reason: 'no SASL handshake is under way' }
      const result = exchange(token)
      if (!result.step.ok) {
        state = 'required'
        exchange = null
        loginPace.failed(host)
        warn({ host, reason: result.step.reason }, 'authentication failed')
      } else if (result.principal !== null) {
        state = 'done'
        principal = result.principal
      }
      return result.step
    },
  }
}

const REFUSED = 'wrong username or password'

function refuse(reason: string): { step: SaslStep; principal: null } {
  return { step: { ok: false, reason }, principal: null }
}

function plainExchange(credentials: ScramStore): Exchange {
  return (token) => {
    const [, username, password, ...more] = token.toString('utf8').split('\0')
    if (username === undefined || password === undefined || more.length > 0) return refuse('not a PLAIN token')
    const known = credentials.passwordOf(username)
    if (!equal(Buffer.from(known), Buffer.from(password))) return refuse(REFUSED)
    return { step: { ok: true, token: Buffer.alloc(0) }, principal: username }
  }
}

/** Client first → server first → client final → server final. */
function scramExchange(credentials: ScramStore, mechanism: Mechanism): Exchange {
  const hash = hashOf(mechanism)
  let pending: { username: string; secret: ScramSecret; nonce: string; authMessageStart: string } | null = null
  return (token) => {
    const text = token.toString('utf8')
    if (!pending) {
      const first = /^n,(?:a=[^,]*)?,(n=([^,]+),r=([^,]+)(?:,.*)?)$/.exec(text)
      if (!first) return refuse('not a SCRAM client-first message')
      const username = (first[2] ?? '').replaceAll('=2C', ',').replaceAll('=3D', '=')
      const secret = credentials.secretOf(username, mechanism)
      const nonce = `${first[3]}${randomBytes(18).toString('base64').replaceAll(',', '')}`
      const serverFirst = `r=${nonce},s=${secret.salt.toString('base64')},i=${SCRAM_ITERATIONS}`
      pending = { username, secret, nonce, authMessageStart: `${first[1]},${serverFirst}` }
      return { step: { ok: true, token: Buffer.from(serverFirst) }, principal: null }
    }
    const final = /^(c=[^,]+,r=([^,]+)(?:,[^p][^,]*)*),p=(.+)$/.exec(text)
    if (!final || final[2] !== pending.nonce) return refuse('not the SCRAM client-final message of this exchange')
    const authMessage = `${pending.authMessageStart},${final[1]}`
    const proof = Buffer.from(final[3] ?? '', 'base64')
    if (!proves(proof, { secret: pending.secret, hash, authMessage })) return refuse(REFUSED)
    const signature = createHmac(hash, pending.secret.serverKey).update(authMessage).digest('base64')
    return { step: { ok: true, token: Buffer.from(`v=${signature}`) }, principal: pending.username }
  }
}

function proves(
  proof: Buffer,
  { secret, hash, authMessage }: { secret: ScramSecret; hash: HashName; authMessage: string },
): boolean {
  const signature = createHmac(hash, secret.storedKey).update(authMessage).digest()
  if (proof.length !== signature.length) return false
  const clientKey = Buffer.from(proof.map((byte, index) => byte ^ (signature[index] ?? 0)))
  return equal(createHash(hash).update(clientKey).digest(), secret.storedKey)
}

/** Compares digests, so that the time does not even depend on lengths. */
function equal(left: Buffer, right: Buffer): boolean {
  const digest = (value: Buffer) => createHash('sha256').update(value).digest()
  return timingSafeEqual(digest(left), digest(right))
}
