/**
 * The client's side of SASL: PLAIN (RFC 4616) and SCRAM-SHA-256 and -512 (RFC 5802, RFC 7677). SCRAM authenticates both sides: a broker
 * that does not know the password can't sign the exchange, and is refused.
 */
import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import type { ClientOptions } from '../client.ts'

export type Credentials = NonNullable<ClientOptions['sasl']>

/** The broker refuses the login, or does not prove that it knows the password. */
export class AuthenticationError extends Error {
  override readonly name = 'AuthenticationError'
}

/** Sends a token, and resolves with the answer's token. */
type Ask = (token: Buffer) => Promise<Buffer>
type Hash = { readonly name: 'sha256' | 'sha512'; readonly bytes: number }

const derive = promisify(pbkdf2)
const nonceBytes = 24
/** RFC 7677, section 4. A broker that asks for fewer would make the password easier to guess. */
const leastIterations = 4_096
/** More iterations would only cost the client time. */
const mostIterations = 1_000_000

/** @throws AuthenticationError, or what `ask` throws */
export async function authenticate({ mechanism, username, password }: Credentials, ask: Ask): Promise<void> {
  if (mechanism === 'PLAIN') await ask(Buffer.from(`\0${username}\0${password}`))
  else if (mechanism === 'SCRAM-SHA-256') await scram({ username, password }, { name: 'sha256', bytes: 32 }, ask)
  else await scram({ username, password }, { name: 'sha512', bytes: 64 }, ask)
}

async function scram({ username, password }: Omit<Credentials, 'mechanism'>, hash: Hash, ask: Ask): Promise<void> {
  const nonce = randomBytes(nonceBytes).toString('base64')
  const clientFirst = `n=${username.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${nonce}`
  const serverFirst = (await ask(Buffer.from(`n,,${clientFirst}`))).toString()
  const { r: bothNonces, s: salt, i: iterations } = attributesOf(serverFirst)
  if (bothNonces === undefined || salt === undefined || iterations === undefined) {
    throw new AuthenticationError('the broker does not follow SCRAM: nonce, salt or iterations are missing')
  }
  if (!bothNonces.startsWith(nonce) || bothNonces === nonce) {
    throw new AuthenticationError('the nonce of the broker does not extend the nonce of the client')
  }
  const rounds = Number(iterations)
  if (!Number.isInteger(rounds) || rounds < leastIterations || rounds > mostIterations) {
    throw new AuthenticationError(
      `the broker asks for ${iterations} iterations, where ${leastIterations} to ${mostIterations} are accepted`,
    )
  }
  const salted = await derive(password, Buffer.from(salt, 'base64'), rounds, hash.bytes, hash.name)
  const clientFinal = `c=${Buffer.from('n,,').toString('base64')},r=${bothNonces}`
  const said = `${clientFirst},${serverFirst},${clientFinal}`
  const sign = (key: Buffer, text: string) => createHmac(hash.name, key).update(text).digest()
  const clientKey = sign(salted, 'Client Key')
  const signature = sign(createHash(hash.name).update(clientKey).digest(), said)
  const proof = Buffer.from(clientKey.map((byte, index) => byte ^ (signature[index] ?? 0)))
  const serverFinal = await ask(Buffer.from(`${clientFinal},p=${proof.toString('base64')}`))
  const { v: verifier = '', e: reason } = attributesOf(serverFinal.toString())
  if (reason !== undefined) throw new AuthenticationError(`the broker refuses: ${reason}`)
  const expected = sign(sign(salted, 'Server Key'), said)
  const given = Buffer.from(verifier, 'base64')
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw new AuthenticationError('the broker does not prove that it knows the password')
  }
}

/** `r=…,s=…,i=…` as a map from name to value. */
function attributesOf(message: string): Readonly<Record<string, string | undefined>> {
  const parts = message.split(',').map((part) => [part.slice(0, 1), part.slice(2)] as const)
  return Object.fromEntries(parts)
}
