/**
 * The log that the launcher started last with a data folder, for commands that are run beside it (`npm run audit`): they need no
 * settings for its ports.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The launcher's note about a log that it has started. */
export type RunFacts = {
  /** `host:port`, comma-separated. */
  readonly brokers: string
}

/** Below the data folder. */
const place = ['run', 'started.json'] as const

/** The folder `run` must exist. @throws Error with code and syscall */
export function writeRunFile(dataDir: string, facts: RunFacts): void {
  writeFileSync(join(dataDir, ...place), `${JSON.stringify(facts)}\n`, { mode: 0o600 })
}

/**
 * The brokers to use: those of KAFKA_BROKERS, or else those that were started with the data folder of STREAMPAY_DATA
 * (default `data`).
 * @returns undefined if there are neither
 * @throws Error if the file has other content
 * @example
 * ```ts
 * import { startedBrokers } from '@streampay/process/run-file'
 *
 * console.log(startedBrokers({ KAFKA_BROKERS: 'localhost:9092' })) // → localhost:9092
 * ```
 */
export function startedBrokers(env: Readonly<Record<string, string | undefined>>): string | undefined {
  if (env.KAFKA_BROKERS) return env.KAFKA_BROKERS
  const path = join(env.STREAMPAY_DATA || 'data', ...place)
  const text = readIfThere(path)
  if (text === undefined) return undefined
  const facts: unknown = parsed(text)
  const brokers = typeof facts === 'object' && facts !== null ? Reflect.get(facts, 'brokers') : undefined
  if (typeof brokers === 'string' && brokers !== '') return brokers
  throw new Error(`${path} does not name the brokers that were started: remove it, or say --brokers.`)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/**
 * The text of a file in UTF-8.
 * @returns undefined if there is no such file @throws Error with code and syscall if it cannot be read
 */
export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
