import { setTimeout as delay } from 'node:timers/promises'

/**
 * Resolves after `ms`, or as soon as the signal aborts.
 * @example
 * ```ts
 * import { pause } from '@streampay/process/pause'
 *
 * const stop = new AbortController()
 * setTimeout(() => stop.abort(), 10)
 * await pause(60_000, stop.signal)
 * console.log(stop.signal.aborted) // → true
 * ```
 */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal })
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
