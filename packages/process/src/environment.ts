/** Settings from environment variables. Every mistake is reported in one sentence with the variable and the allowed values. */
/** Variables by name, such as `process.env`. An empty one counts as not set. */
export type Environment = Readonly<Record<string, string | undefined>>

/** A setting that can't be used. */
export class SettingError extends Error {
  /** Stable, for programs; the message is for people and may change. */
  readonly code = 'invalid-setting'
}

/** The levels of pino, from the most lines to none. */
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

/** One of `logLevels`. */
export type LogLevel = (typeof logLevels)[number]

/** The value of a setting that is absent, and the lowest and highest one that are allowed, both inclusive. */
export type Bounds<F> = { readonly fallback: F; readonly min: number; readonly max: number }

/** The text of the variable; `fallback`, which may be undefined, if it is not set. */
export function textSetting<F extends string | undefined>(env: Environment, name: string, fallback: F): string | F {
  return env[name] || fallback
}

/** The items of the variable, separated by commas and without surrounding spaces; none if it is not set. */
export function listSetting(env: Environment, name: string): string[] {
  return (env[name] ?? '').split(',').flatMap((item) => item.trim() || [])
}

/** `LOG_LEVEL`; `info` if it is not set. @throws SettingError */
export function logLevelSetting(env: Environment): LogLevel {
  const text = env.LOG_LEVEL || 'info'
  const level = logLevels.find((one) => one === text)
  if (level !== undefined) return level
  throw new SettingError(`LOG_LEVEL must be one of ${logLevels.join(', ')}, not "${text}".`)
}

/**
 * The number in the variable: digits, with or without a decimal point; `fallback` if it is not set.
 * @throws SettingError
 */
export function numberSetting(env: Environment, name: string, { fallback, min, max }: Bounds<number>): number {
  const text = env[name]
  const value = text ? numberOf(text) : fallback
  if (value >= min && value <= max) return value
  throw new SettingError(`${name} must be from ${min} to ${max}, not "${text}".`)
}

/**
 * The whole number in the variable, of digits only; `fallback` if it is not set.
 * @throws SettingError
 * @example
 * ```ts
 * import { SettingError, wholeNumberSetting } from '@streampay/process'
 *
 * const bounds = { fallback: 3, min: 1, max: 9 }
 * console.log(wholeNumberSetting({}, 'WORKERS', bounds)) // → 3
 * try {
 *   wholeNumberSetting({ WORKERS: '12' }, 'WORKERS', bounds)
 * } catch (error) {
 *   if (error instanceof SettingError) console.log(error.message) // → WORKERS must be a whole number from 1 to 9, not "12".
 * }
 * ```
 */
export function wholeNumberSetting<F extends number | undefined>(
  env: Environment,
  name: string,
  { fallback, min, max }: Bounds<F>,
): number | F {
  const text = env[name]
  const value = text ? wholeNumberOf(text) : fallback
  if (value === undefined || (value >= min && value <= max)) return value
  throw new SettingError(`${name} must be a whole number from ${min} to ${max}, not "${text}".`)
}

/** The port in the variable; 0 lets the system choose one. @throws SettingError */
export function portSetting<F extends number | undefined>(env: Environment, name: string, fallback: F): number | F {
  const text = env[name]
  const port = text ? wholeNumberOf(text) : fallback
  if (port === undefined || port <= 65_535) return port
  throw new SettingError(`${name} must be a port number, not "${text}".`)
}

/**
 * A number in plain form: digits, with or without a decimal point. `1e3` and `0x50` are not accepted.
 * @returns NaN for any other text, which no limits allow
 */
export function numberOf(text: string): number {
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
}

/** A whole number of digits only. @returns NaN for any other text, which no limits allow */
export function wholeNumberOf(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : Number.NaN
}

/**
 * The http or https URL in the variable, unchanged; `fallback` if it is not set.
 * @throws SettingError for any other text
 */
export function urlSetting<F extends string | undefined>(env: Environment, name: string, fallback: F): string | F {
  const text = textSetting(env, name, fallback)
  if (text !== undefined && !(URL.canParse(text) && /^https?:/.test(text)))
    throw new SettingError(`${name} must be an http or https URL, not "${text}".`)
  return text
}

/** The origins in the variable, separated by commas; none if it is not set. @throws SettingError for a text that is no origin */
export function originsSetting(env: Environment, name: string): string[] {
  const origins = listSetting(env, name)
  const wrong = origins.find((origin) => !URL.canParse(origin) || new URL(origin).origin !== origin)
  if (wrong === undefined) return origins
  throw new SettingError(`${name} must be origins such as https://localhost:9090, separated by commas, not "${wrong}".`)
}
