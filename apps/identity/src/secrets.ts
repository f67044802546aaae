import { randomBytes } from 'node:crypto'
import { chmodSync, closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs'
import { readIfThere } from '@streampay/process/run-file'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose'

/** The secrets that the issuer must keep: with other keys, every token from before a restart would be invalid. */
export type Secrets = { readonly signingKey: JWK; readonly cookieKey: string }

/**
 * Reads the issuer's secrets, or makes them at the first start. RS256, because a gateway verifies a token with every
 * request and RSA verifies faster than elliptic curves do.
 * @throws Error when the file can't be read or isn't what was written
 */
export async function loadSecrets(path: string): Promise<Secrets> {
  const text = readIfThere(path)
  if (text !== undefined) return parseSecrets(text, path)
  const secrets = await makeSecrets()
  writePrivately(path, `${JSON.stringify(secrets, null, 2)}\n`)
  return secrets
}

async function makeSecrets(): Promise<Secrets> {
  const { privateKey } = await generateKeyPair('RS256', { modulusLength: 2048, extractable: true })
  const key = await exportJWK(privateKey)
  const signingKey = { ...key, kid: await calculateJwkThumbprint(key), alg: 'RS256', use: 'sig' }
  return { signingKey, cookieKey: randomBytes(32).toString('base64url') }
}

function parseSecrets(text: string, path: string): Secrets {
  try {
    const { signingKey, cookieKey } = JSON.parse(text) as Secrets
    if (typeof signingKey.d === 'string' && typeof cookieKey === 'string') return { signingKey, cookieKey }
  } catch (cause) {
    throw new Error(`The issuer's keys in ${path} are damaged: remove the file to make new ones.`, { cause })
  }
  throw new Error(`The issuer's keys in ${path} are incomplete: remove the file to make new ones.`)
}

/** Written completely or not at all, and readable by the owner only. */
function writePrivately(path: string, text: string): void {
  const temporary = `${path}.new`
  const file = openSync(temporary, 'w', 0o600)
  try {
    writeSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  chmodSync(temporary, 0o600)
  renameSync(temporary, path)
}
