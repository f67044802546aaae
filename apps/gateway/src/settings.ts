/** What the environment says, checked: every mistake is one sentence that names the variable. */
import { join } from 'node:path'
import { audience, type Scope, scopes, uiClientId } from '@streampay/domain'
import { proxyFault } from '@streampay/gateway'
import {
  type Environment,
  listSetting,
  originsSetting,
  portSetting,
  SettingError,
  textSetting,
  urlSetting,
  wholeNumberSetting,
} from '@streampay/process'
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
  /** Of other front ends, whose pages may use it. */
  readonly corsOrigins: readonly string[]
  /** Addresses and networks of proxies in front of it. */
  readonly trustedProxies: readonly string[]
}

/** Only asked for where there is something to control. */
const controlScope: Scope = 'operate:services'
const stateBytes = { fallback: 32 * 1024 ** 3, min: 16 * 1024 * 1024, max: Number.MAX_SAFE_INTEGER }

/** @throws SettingError */
export function settingsFrom(env: Environment): Settings {
  const port = portSetting(env, 'GATEWAY_PORT', 9090)
  const metricsPort = portSetting(env, 'METRICS_PORT', undefined)
  const dataDir = textSetting(env, 'GATEWAY_DATA_DIR', 'data/gateway')
  return {
    ...tokenSettingsOf(env),
    // The development issuer lets anybody sign in as anybody: nobody but this machine should reach it unasked.
    host: textSetting(env, 'GATEWAY_HOST', '127.0.0.1'),
    port,
    dataDir,
    // Two gateways of one machine have two ports.
    stateDir: textSetting(env, 'GATEWAY_STATE_DIR', join(dataDir, `state-${port}`)),
    stateMaxBytes: wholeNumberSetting(env, 'GATEWAY_STATE_MAX_BYTES', stateBytes),
    issuer: urlSetting(env, 'OIDC_ISSUER', `https://localhost:${port}/identity`),
    clientId: textSetting(env, 'OIDC_CLIENT_ID', uiClientId),
    audience: textSetting(env, 'OIDC_AUDIENCE', audience),
    jwksUri: urlSetting(env, 'OIDC_JWKS_URI', undefined),
    identityUpstream: urlSetting(env, 'IDENTITY_UPSTREAM', undefined),
    controlUpstream: controlUpstreamOf(env),
    certificate: certificateOf(env),
    uiRoot: textSetting(env, 'GATEWAY_UI_ROOT', undefined),
    publicOrigin: publicOriginOf(env, `https://localhost:${port}`),
    metrics:
      metricsPort === undefined
        ? undefined
        : { host: textSetting(env, 'METRICS_HOST', '127.0.0.1'), port: metricsPort },
    corsOrigins: originsSetting(env, 'GATEWAY_CORS_ORIGINS'),
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
function tokenSettingsOf(env: Environment): TokenSettings {
  const isDevelopment =
    urlSetting(env, 'OIDC_ISSUER', undefined) === undefined ||
    urlSetting(env, 'IDENTITY_UPSTREAM', undefined) !== undefined
  return tokenSettingsFrom(env, isDevelopment)
}

function controlUpstreamOf(env: Environment): string | undefined {
  const upstream = urlSetting(env, 'CONTROL_UPSTREAM', undefined)
  if (upstream !== undefined && urlSetting(env, 'IDENTITY_UPSTREAM', undefined) === undefined) {
    throw new SettingError('CONTROL_UPSTREAM is for the development issuer alone: it needs IDENTITY_UPSTREAM.')
  }
  return upstream
}

function proxiesOf(env: Environment): readonly string[] {
  const name = 'GATEWAY_TRUSTED_PROXIES'
  const proxies = listSetting(env, name)
  const fault = proxyFault(proxies)
  if (fault !== undefined) throw new SettingError(`${name} must be addresses or networks such as 10.0.0.0/8: ${fault}.`)
  return proxies
}

function publicOriginOf(env: Environment, fallback: string): string {
  const name = 'GATEWAY_PUBLIC_ORIGIN'
  const text = urlSetting(env, name, fallback)
  const { origin, href } = new URL(text)
  if (href === `${origin}/`) return origin
  throw new SettingError(`${name} must be an origin such as https://pay.example.com, not "${text}".`)
}

function certificateOf(env: Environment): Settings['certificate'] {
  const keyFile = env.GATEWAY_TLS_KEY
  const certFile = env.GATEWAY_TLS_CERT
  if (!keyFile && !certFile) return undefined
  if (!keyFile || !certFile) throw new SettingError('GATEWAY_TLS_KEY and GATEWAY_TLS_CERT must be set together.')
  return { keyFile, certFile }
}
