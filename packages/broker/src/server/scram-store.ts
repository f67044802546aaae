/** The credentials of the broker's users as PLAIN and SCRAM compare them, and the mechanisms that there are. */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import type { SaslCredential } from './config.ts'

export const mechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const
export type Mechanism = (typeof mechanisms)[number]

export const SCRAM_ITERATIONS = 4096
const SALT_BYTES = 16
const HIDDEN_BYTES = 32

export type ScramSecret = { readonly salt: Buffer; readonly storedKey: Buffer; readonly serverKey: Buffer }

/** The credentials with their SCRAM secrets, derived once at start because the derivation is slow on purpose. */
export type ScramStore = {
  readonly empty: boolean
  /** For a user that doesn't exist, a password that can't be guessed. */
  passwordOf(username: string): string
  /** For a user that doesn't exist, a secret that no password fits, and the same each time. */
  secretOf(username: string, mechanism: Mechanism): ScramSecret
}

export function openScramStore(credentials: readonly SaslCredential[]): ScramStore {
  const passwords = new Map(credentials.map(({ username, password }) => [username, password]))
  const secrets = new Map<string, ScramSecret>()
  const hidden = randomBytes(HIDDEN_BYTES)
  for (const { username, password } of credentials) {
    for (const mechanism of mechanisms) {
      if (mechanism !== 'PLAIN') secrets.set(`${mechanism} ${username}`, deriveSecret(password, hashOf(mechanism)))
    }
  }
  return {
    empty: passwords.size === 0,
    // Both compute the substitute also for an existing user, so that both cases take the same time.
    passwordOf(username) {
      const imagined = derived(hidden, `PLAIN ${username}`).toString('base64')
      return passwords.get(username) ?? imagined
    },
    secretOf(username, mechanism) {
      const name = `${mechanism} ${username}`
      const imagined = imaginedSecret(hidden, name)
      return secrets.get(name) ?? imagined
    },
  }
}

export type HashName = 'sha256' | 'sha512'

export function hashOf(mechanism: Mechanism): HashName {
  return mechanism === 'SCRAM-SHA-512' ? 'sha512' : 'sha256'
}

function deriveSecret(password: string, hash: HashName): ScramSecret {
  const salt = randomBytes(SALT_BYTES)
  const salted = pbkdf2Sync(password, salt, SCRAM_ITERATIONS, hash === 'sha256' ? 32 : 64, hash)
  const clientKey = createHmac(hash, salted).update('Client Key').digest()
  const serverKey = createHmac(hash, salted).update('Server Key').digest()
  return { salt, storedKey: createHash(hash).update(clientKey).digest(), serverKey }
}

/** Replaces the secret of a user that doesn't exist. RFC 5802, section 9. */
function imaginedSecret(hidden: Buffer, name: string): ScramSecret {
  const part = (what: string) => derived(hidden, `${what} ${name}`)
  return { salt: part('salt').subarray(0, SALT_BYTES), storedKey: part('stored key'), serverKey: part('server key') }
}

function derived(hidden: Buffer, name: string): Buffer {
  return createHmac('sha256', hidden).update(name).digest()
}
