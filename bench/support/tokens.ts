/**
 * Access tokens as the development issuer of a data folder signs them, made here: the issuer limits how fast one address gets tokens.
 */
import { join } from 'node:path'
import { audience, uiClientId } from '@streampay/domain/identities'
import { scopes } from '@streampay/domain/scopes'
import { importJWK, SignJWT } from 'jose'
import { loadSecrets } from '../../apps/identity/src/secrets.ts'

export type Tokens = (subject: string) => Promise<string>

const validSeconds = 3 * 3600

/** @param origin of the first gateway, which is the issuer's too @param data a folder that the application has run in */
export async function tokensOf(data: string, origin: string): Promise<Tokens> {
  const { signingKey } = await loadSecrets(join(data, 'identity/keys.json'))
  const key = await importJWK(signingKey, 'RS256')
  const { kid } = signingKey
  if (kid === undefined) throw new Error('the key of the issuer has no id')
  return (subject) =>
    new SignJWT({ scope: scopes.join(' '), client_id: uiClientId })
      .setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', kid })
      .setIssuer(`${origin}/identity`)
      .setAudience(audience)
      .setSubject(subject)
      .setJti(crypto.randomUUID())
      .setIssuedAt()
      .setExpirationTime(`${validSeconds} s`)
      .sign(key)
}
