/** The settings from the environment, checked: every mistake is reported in one sentence with the variable. */
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
  /** The folder of the views: used by this gateway alone. It may be deleted at any time. */
  readonly stateDir: string
  /** The largest size of that folder. */
  readonly stateMaxBytes: number
  readonly issuer: string
  readonly clientId: string
  readonly audience: string
  readonly jwksUri: string | undefined
  /** The address of the development issuer; undefined with an external issuer. */
  readonly identityUpstream: string | undefined
  /** The address of the launcher's control interface in a development installation; undefined with an external issuer. */
  readonly controlUpstream: string | undefined
  /** PEM files of the operator's certificate; without them, one is created for development. */
  readonly certificate: { readonly keyFile: string; readonly certFile: string } | undefined
  readonly uiRoot: string | undefined
  /** The public address of the application, which previews of shared links contain. */
  readonly publicOrigin: string
  /** The address of `/metrics`; by default it is not served. */
  readonly metrics: { readonly host: string; readonly port: number } | undefined
  /** The origins of other front ends, whose pages may use it. */
  readonly corsOrigins: readonly string[]
  /** The addresses and networks of proxies in front of it. */
  readonly trustedProxies: readonly string[]
}

/** The user interface requests it only if there is a control interface. */
const controlScope: Scope = 'operate:services'
const stateBytes = { fallback: 32 * 1024 ** 3, min: 16 * 1024 * 1024, max: Number.MAX_SAFE_INTEGER }

/** @throws SettingError */
export function settingsFrom(env: Environment): Settings {
  const port = portSetting(env, 'GATEWAY_PORT', 9090)
  const metricsPort = portSetting(env, 'METRICS_PORT', undefined)
  const dataDir = textSetting(env, 'GATEWAY_DATA_DIR', 'data/gateway')
  return {
    ...tokenSettingsOf(env),
    // With the development issuer anyone can sign in with any name: without a setting, only this machine can reach it.
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

/** `/config.json`: the settings with which the user interface signs people in. */
export function uiConfigOf(settings: Settings): Readonly<Record<string, unknown>> {
  const { issuer, clientId, audience, identityUpstream, controlUpstream } = settings
  // Every gateway serves the development issuer, so a browser stays on its gateway.
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

/** Without an issuer setting, or with an issuer behind it, the gateway belongs to the development issuer. */
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
