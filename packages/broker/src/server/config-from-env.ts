/**
 * The numbers and switches of `BrokerConfig` from the environment: `connectionsMaxIdleMs` is
 * `BROKER_CONNECTIONS_MAX_IDLE_MS`, and the others follow the same rule.
 */
import { type Environment, SettingError, wholeNumberSetting } from '@streampay/process'
import { type BrokerConfig, defaultConfig } from './config.ts'

/** The longest time of Node's timers; a longer one would end at once. */
const MOST = 2 ** 31 - 1
/** These are compared with the time of day, without a timer. */
const LONG = new Set(['offsetsRetentionMs', 'transactionalIdExpirationMs'])

/** Every setting that is a number or a switch, with its variable. */
export function settings(): { readonly key: string; readonly variable: string; readonly fallback: number | boolean }[] {
  return Object.entries(defaultConfig).flatMap(([key, fallback]) => {
    if (typeof fallback !== 'number' && typeof fallback !== 'boolean') return []
    return [{ key, variable: `BROKER_${key.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`, fallback }]
  })
}

/** @throws SettingError */
export function configFromEnv(env: Environment): Partial<BrokerConfig> {
  const config: Record<string, number | boolean> = {}
  for (const { key, variable, fallback } of settings()) {
    if (!env[variable]) continue
    const bounds = { min: 0, max: LONG.has(key) ? Number.MAX_SAFE_INTEGER : MOST }
    config[key] =
      typeof fallback === 'number'
        ? wholeNumberSetting(env, variable, { fallback, ...bounds })
        : switchOf(variable, env[variable])
  }
  return config
}

function switchOf(variable: string, text: string): boolean {
  if (text !== 'true' && text !== 'false') throw new SettingError(`${variable} must be true or false, not "${text}".`)
  return text === 'true'
}
