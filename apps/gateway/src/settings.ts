/** What the environment says, checked: every mistake is one sentence that names the variable. */
import { join } from 'node:path'
import { audience, type Scope, scopes, uiClientId } from '@streampay/domain'
import { proxyFault } from '@streampay/gateway'
import { isAskedFor, type TokenSettings, tokenSettingsFrom } from './token-settings.ts'

export type Settings = TokenSettings & {
  readonly host: string
  readonly port: number
  readonly dataDir: string
  /** Where the views are kept: of this gateway alone. It may always be deleted. */
  readonly stateDir: string
  /** How large that may become. */
  readonly stateMaxBytes: number
  readonly issuer: string
  readonly clientId: string
  readonly audience: string
  readonly jwksUri: string | undefined
  /** Where the development issuer listens; undefined with an issuer elsewhere. */
  readonly identityUpstream: string | undefined
  /** Where the launcher of a development installation is controlled; never with an issuer elsewhere. */
  readonly controlUpstream: string | undefined
  /** PEM files of a certificate of one's own; without them, one is made for development. */
  readonly certificate: { readonly keyFile: string; readonly certFile: string } | undefined
  readonly uiRoot: string | undefined
  /** Where people reach the application: what shared links show is named with it. */
  readonly publicOrigin: string
  /** Where Prometheus finds `/metrics`; nowhere by default. */
  readonly metrics: { readonly host: string; readonly port: number } | undefined
  /** Addresses and networks of proxies in front of it. */
  readonly trustedProxies: readonly string[]
}

/** A setting that cannot be used. */
export class SettingsError extends Error {
  readonly code = 'invalid-setting'
}

/** Only asked for where there is something to control. */
const controlScope: Scope = 'operate:services'
const leastStateBytes = 16 * 1024 * 1024
const defaultStateMaxBytes = 32 * 1024 ** 3

type Env = Readonly<Record<string, string | undefined>>

/** @throws SettingsError */
export function settingsFrom(env: Env): Settings {
  const port = portOf(env, 'GATEWAY_PORT') ?? 9090
  const metricsPort = portOf(env, 'METRICS_PORT')
  const dataDir = env.GATEWAY_DATA_DIR || 'data/gateway'
  return {
    ...tokenSettingsOf(env),
    // The development issuer lets anybody sign in as anybody: nobody but this machine should reach it unasked.
    host: env.GATEWAY_HOST || '127.0.0.1',
    port,
    dataDir,
    // Two gateways of one machine have two ports.
    stateDir: env.GATEWAY_STATE_DIR || join(dataDir, `state-${port}`),
    stateMaxBytes: bytesOf(env, 'GATEWAY_STATE_MAX_BYTES') ?? defaultStateMaxBytes,
    issuer: urlOf(env, 'OIDC_ISSUER') ?? `https://localhost:${port}/identity`,
    clientId: env.OIDC_CLIENT_ID || uiClientId,
    audience: env.OIDC_AUDIENCE || audience,
    jwksUri: urlOf(env, 'OIDC_JWKS_URI'),
    identityUpstream: urlOf(env, 'IDENTITY_UPSTREAM'),
    controlUpstream: controlUpstreamOf(env),
    certificate: certificateOf(env),
    uiRoot: env.GATEWAY_UI_ROOT || undefined,
    publicOrigin: originOf(env, 'GATEWAY_PUBLIC_ORIGIN') ?? `https://localhost:${port}`,
    metrics: metricsPort === undefined ? undefined : { host: env.METRICS_HOST || '127.0.0.1', port: metricsPort },
    trustedProxies: proxiesOf(env),
  }
}

/** `/config.json`: what the user interface needs to sign people in. */
export function uiConfigOf(settings: Settings): Readonly<Record<string, unknown>> {
  const { issuer, clientId, audience, identityUpstream, controlUpstream } = settings
  // The development issuer is shown by every gateway: a browser need not leave the one that it is at.
  const path = `${new URL(issuer).pathname.replace(/\/$/, '')}/.well-known/openid-configuration`
  return {
    issuer,
    clientId,
    audience,
    scopes: scopes.filter((scope) =>
      scope === controlScope ? controlUpstream !== undefined : isAskedFor(scope, settings),
    ),
    ...(identityUpstream === undefined ? {} : { discoveryPath: path }),
  }
}

/** Without an issuer of its own, or with one behind it, the gateway belongs to the development issuer. */
function tokenSettingsOf(env: Env): TokenSettings {
  const isDevelopment = urlOf(env, 'OIDC_ISSUER') === undefined || urlOf(env, 'IDENTITY_UPSTREAM') !== undefined
  const settings = tokenSettingsFrom(env, isDevelopment)
  if (typeof settings === 'string') throw new SettingsError(settings)
  return settings
}

function controlUpstreamOf(env: Env): string | undefined {
  const upstream = urlOf(env, 'CONTROL_UPSTREAM')
  if (upstream !== undefined && urlOf(env, 'IDENTITY_UPSTREAM') === undefined) {
    throw new SettingsError('CONTROL_UPSTREAM is for the development issuer alone: it needs IDENTITY_UPSTREAM.')
  }
  return upstream
}

function portOf(env: Env, name: string): number | undefined {
  const text = env[name]
  if (text === undefined || text === '') return undefined
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65_535) throw new SettingsError(`${name} must be a port number, not "${text}".`)
  return port
}

function bytesOf(env: Env, name: string): number | undefined {
  const text = env[name]
  if (text === undefined || text === '') return undefined
  const bytes = Number(text)
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(bytes) || bytes < leastStateBytes) {
    throw new SettingsError(`${name} must be a whole number of bytes, at least ${leastStateBytes}, not "${text}".`)
  }
  return bytes
}

function proxiesOf(env: Env): readonly string[] {
  const name = 'GATEWAY_TRUSTED_PROXIES'
  const proxies = (env[name] ?? '').split(',').flatMap((proxy) => proxy.trim() || [])
  const fault = proxyFault(proxies)
  if (fault !== undefined)
    throw new SettingsError(`${name} must be addresses or networks such as 10.0.0.0/8: ${fault}.`)
  return proxies
}

function urlOf(env: Env, name: string): string | undefined {
  const text = env[name]
  if (text === undefined || text === '') return undefined
  if (!URL.canParse(text) || !/^https?:/.test(text)) throw new SettingsError(`${name} must be a URL, not "${text}".`)
  return text
}

function originOf(env: Env, name: string): string | undefined {
  const text = urlOf(env, name)
  if (text === undefined) return undefined
  const { origin, href } = new URL(text)
  if (href !== `${origin}/`)
    throw new SettingsError(`${name} must be an origin such as https://pay.example.com, not "${text}".`)
  return origin
}

function certificateOf(env: Env): Settings['certificate'] {
  const keyFile = env.GATEWAY_TLS_KEY
  const certFile = env.GATEWAY_TLS_CERT
  if (!keyFile && !certFile) return undefined
  if (!keyFile || !certFile) throw new SettingsError('GATEWAY_TLS_KEY and GATEWAY_TLS_CERT must be set together.')
  return { keyFile, certFile }
}
