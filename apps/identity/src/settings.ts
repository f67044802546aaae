/** Reads and checks the environment. */
import {
  type Environment,
  originsSetting,
  portSetting,
  textSetting,
  urlSetting,
  wholeNumberSetting,
} from '@streampay/process'

export type Settings = {
  readonly port: number
  readonly host: string
  readonly issuer: string
  readonly dataDir: string
  /** Origins from which people may sign in, in addition to the issuer's own. */
  readonly redirectOrigins: readonly string[]
  readonly accessTokenSeconds: number
}

/** @throws SettingError */
export function settingsFrom(env: Environment): Settings {
  return {
    port: portSetting(env, 'IDENTITY_PORT', 9091),
    host: textSetting(env, 'IDENTITY_HOST', '127.0.0.1'),
    issuer: urlSetting(env, 'IDENTITY_ISSUER', 'https://localhost:9090/identity'),
    dataDir: textSetting(env, 'IDENTITY_DATA_DIR', 'data/identity'),
    redirectOrigins: originsSetting(env, 'IDENTITY_REDIRECT_ORIGINS'),
    accessTokenSeconds: wholeNumberSetting(env, 'IDENTITY_ACCESS_TOKEN_SECONDS', {
      fallback: 3600,
      min: 1,
      max: 86_400,
    }),
  }
}
