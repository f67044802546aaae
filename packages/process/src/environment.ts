/** Settings from environment variables. Every mistake is one sentence that names the variable and what would be right. */
/** Variables by name, such as `process.env`. An empty one counts as not set. */
export type Environment = Readonly<Record<string, string | undefined>>

/** A setting that can't be used. */
export class SettingError extends Error {
  readonly code = 'invalid-setting'
}

type Bounds = { readonly fallback: number; readonly min: number; readonly max: number }

/** Empty is as if it were not set. */
export function textSetting(env: Environment, name: string, fallback: string): string {
  return env[name] || fallback
}

/**
 * The number that the variable holds, fractions included; `fallback` if it is not set.
 * @throws SettingError
 */
export function numberSetting(env: Environment, name: string, { fallback, min, max }: Bounds): number {
  const text = env[name]
  const value = text === undefined || text === '' ? fallback : Number(text)
  if (!(value >= min && value <= max)) throw new SettingError(`${name} must be from ${min} to ${max}, not "${text}".`)
  return value
}

/**
 * The whole number that the variable holds; `fallback` if it is not set.
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
 *   if (error instanceof SettingError) console.log(error.message) // → WORKERS must be from 1 to 9, not "12".
 * }
 * ```
 */
export function wholeNumberSetting(env: Environment, name: string, { fallback, min, max }: Bounds): number {
  const value = numberSetting(env, name, { fallback, min, max })
  if (Number.isInteger(value)) return value
  throw new SettingError(`${name} must be a whole number from ${min} to ${max}, not "${env[name]}".`)
}

/** 0 lets the system choose one. @throws SettingError */
export function portSetting(env: Environment, name: string, fallback: number): number {
  return wholeNumberSetting(env, name, { fallback, min: 0, max: 65_535 })
}

/**
 * The http or https URL that the variable holds, as it is written there; `fallback` if it is not set.
 * @throws SettingError for what is no http or https URL
 */
export function urlSetting(env: Environment, name: string, fallback: string): string {
  const text = env[name] || fallback
  if (URL.canParse(text) && /^https?:/.test(text)) return text
  throw new SettingError(`${name} must be an http or https URL, not "${text}".`)
}

/** Separated by commas. @throws SettingError for one that is no origin */
export function originsSetting(env: Environment, name: string): string[] {
  const origins = (env[name] ?? '').split(',').flatMap((origin) => origin.trim() || [])
  const wrong = origins.find((origin) => !URL.canParse(origin) || new URL(origin).origin !== origin)
  if (wrong === undefined) return origins
  throw new SettingError(`${name} must be origins such as https://localhost:9090, separated by commas, not "${wrong}".`)
}
