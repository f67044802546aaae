/** What the environment says, checked: every mistake is one sentence that names the variable. */
import { audience, scopes, uiClientId } from '@streampay/domain'

export type Settings = {
  readonly host: string
  readonly port: number
  readonly dataDir: string
  readonly issuer: string
  readonly clientId: string
  readonly audience: string
  readonly jwksUri: string | undefined
  /** Where the development issuer listens; undefined with an issuer elsewhere. */
  readonly identityUpstream: string | undefined
  /** PEM files of a certificate of one's own; without them, one is made for development. */
  readonly certificate: { readonly keyFile: string; readonly certFile: string } | undefined
  readonly uiRoot: string | undefined
}

/** A setting that cannot be used. */
export class SettingsError extends Error {
  readonly code = 'invalid-setting'
}

type Env = Readonly<Record<string, string | undefined>>

/** @throws SettingsError */
export function settingsFrom(env: Env): Settings {
  const port = portOf(env)
  return {
    // The development issuer lets anybody sign in as anybody: nobody but this machine should reach it unasked.
    host: env.GATEWAY_HOST || '127.0.0.1',
    port,
    dataDir: env.GATEWAY_DATA_DIR || 'data/gateway',
    issuer: urlOf(env, 'OIDC_ISSUER') ?? `https://localhost:${port}/identity`,
    clientId: env.OIDC_CLIENT_ID || uiClientId,
    audience: env.OIDC_AUDIENCE || audience,
    jwksUri: urlOf(env, 'OIDC_JWKS_URI'),
    identityUpstream: urlOf(env, 'IDENTITY_UPSTREAM'),
    certificate: certificateOf(env),
    uiRoot: env.GATEWAY_UI_ROOT || undefined,
  }
}

/** `/config.json`: what the user interface needs to sign people in. */
export function uiConfigOf(settings: Settings): Readonly<Record<string, unknown>> {
  const { issuer, clientId, audience, identityUpstream } = settings
  // The development issuer is shown by every gateway: a browser need not leave the one that it is at.
  const path = `${new URL(issuer).pathname.replace(/\/$/, '')}/.well-known/openid-configuration`
  return { issuer, clientId, audience, scopes, ...(identityUpstream === undefined ? {} : { discoveryPath: path }) }
}

function portOf(env: Env): number {
  const text = env.GATEWAY_PORT || '9090'
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65_535)
    throw new SettingsError(`GATEWAY_PORT must be a port number, not "${text}".`)
  return port
}

function urlOf(env: Env, name: string): string | undefined {
  const text = env[name]
  if (text === undefined || text === '') return undefined
  if (!URL.canParse(text) || !/^https?:/.test(text)) throw new SettingsError(`${name} must be a URL, not "${text}".`)
  return text
}

function certificateOf(env: Env): Settings['certificate'] {
  const keyFile = env.GATEWAY_TLS_KEY
  const certFile = env.GATEWAY_TLS_CERT
  if (!keyFile && !certFile) return undefined
  if (!keyFile || !certFile) throw new SettingsError('GATEWAY_TLS_KEY and GATEWAY_TLS_CERT must be set together.')
  return { keyFile, certFile }
}
