/**
 * The numbers and switches of `BrokerConfig` from the environment: `connectionsMaxIdleMs` is
 * `BROKER_CONNECTIONS_MAX_IDLE_MS`, and so on for every one of them.
 */
import { type BrokerConfig, defaultConfig } from './config.ts'

type Env = Readonly<Record<string, string | undefined>>

/** Timers of Node count no further; a longer one would end at once. */
const MOST = 2 ** 31 - 1
/** These are compared with the time of day, and no timer runs for them. */
const LONG = new Set(['offsetsRetentionMs', 'transactionalIdExpirationMs'])

/** Every setting that a number or a switch makes, with the variable that sets it. */
export function settings(): { readonly key: string; readonly variable: string; readonly fallback: number | boolean }[] {
  return Object.entries(defaultConfig).flatMap(([key, fallback]) => {
    if (typeof fallback !== 'number' && typeof fallback !== 'boolean') return []
    return [{ key, variable: `BROKER_${key.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`, fallback }]
  })
}

/** @throws Error with one sentence that names the variable */
export function configFromEnv(env: Env): Partial<BrokerConfig> {
  const config: Record<string, number | boolean> = {}
  for (const { key, variable, fallback } of settings()) {
    const text = env[variable]
    if (text === undefined || text === '') continue
    config[key] = typeof fallback === 'number' ? numberOf(variable, text, LONG.has(key)) : switchOf(variable, text)
  }
  return config
}

function numberOf(variable: string, text: string, long: boolean): number {
  const most = long ? Number.MAX_SAFE_INTEGER : MOST
  const value = Number(text)
  if (!/^\d+$/.test(text) || value > most) {
    throw new Error(`${variable} must be a whole number from 0 to ${most}, not "${text}"`)
  }
  return value
}

function switchOf(variable: string, text: string): boolean {
  if (text !== 'true' && text !== 'false') throw new Error(`${variable} must be true or false, not "${text}"`)
  return text === 'true'
}
