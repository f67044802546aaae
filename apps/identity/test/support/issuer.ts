import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { pino } from 'pino'
import { onTestFinished } from 'vitest'
import { type RunningIdentity, startIdentity } from '../../src/index.ts'

export const origin = 'https://localhost:9090'
export const issuer = `${origin}/identity`
/** The origin of a second gateway. */
export const otherOrigin = 'https://localhost:9093'

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'streampay-identity-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export async function openIssuer(dataDir = temporaryFolder(), now = Date.now): Promise<RunningIdentity> {
  const identity = await startIdentity({
    port: 0,
    host: '127.0.0.1',
    issuer,
    redirectOrigins: [otherOrigin],
    dataDir,
    logger: pino({ level: 'silent' }),
    now,
  })
  let closed = false
  const close = async () => {
    if (closed) return
    closed = true
    await identity.close()
  }
  onTestFinished(close)
  return { ...identity, close }
}

/** Checks an access token by the keys that the issuer publishes. */
export function verify(identity: RunningIdentity, token: string) {
  const keys = createRemoteJWKSet(new URL(`http://127.0.0.1:${identity.port}/jwks`))
  return jwtVerify(token, keys, { issuer, audience: 'streampay' })
}
