/** The runtime's clocks and timers. Tests and simulations pass their own. */
import { type Clock, systemClock as machineClock } from '@streampay/kafka'

/** The clocks of the machine, and a timer. */
export type StreamClock = Clock & {
  /**
   * Calls `action` once, in `ms` from now. A timer for housekeeping in the `background` does not keep the process alive.
   * @returns a function that cancels the timer, if it has not fired yet
   */
  after(ms: number, action: () => void, options?: { readonly background?: boolean }): () => void
}

export const systemClock: StreamClock = {
  ...machineClock,
  after(ms, action, { background = false } = {}) {
    const timer = setTimeout(action, ms)
    if (background) timer.unref()
    return () => clearTimeout(timer)
  },
}

/** Resolves after `ms`, or as soon as the signal aborts. */
export function pause(clock: StreamClock, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  const { promise, resolve } = Promise.withResolvers<void>()
  const cancel = clock.after(ms, resolve)
  const onAbort = () => resolve()
  signal.addEventListener('abort', onAbort, { once: true })
  return promise.finally(() => {
    cancel()
    signal.removeEventListener('abort', onAbort)
  })
}

/** A moment on both clocks of the machine. */
export type Moment = { readonly now: number; readonly elapsed: number }

export function moment(clock: Clock): Moment {
  return { now: clock.now(), elapsed: clock.elapsed() }
}

/** The larger difference of the two clocks: one may stop while the machine sleeps, the other may be set back. */
export function msSince(clock: Clock, { now, elapsed }: Moment): number {
  return Math.max(clock.now() - now, clock.elapsed() - elapsed)
}

/** The wall clock of a machine may be set back by this much without making earlier notes doubtful. */
const maxSetBackMs = 3_600_000

/** A wall-clock time that an earlier process noted, as a moment; a time long ago if that clock was set far back since. */
export function momentOf(clock: Clock, now: number): Moment {
  const ageMs = clock.now() - now
  const elapsedMs = ageMs < -maxSetBackMs ? Number.POSITIVE_INFINITY : Math.max(0, ageMs)
  return { now, elapsed: clock.elapsed() - elapsedMs }
}
