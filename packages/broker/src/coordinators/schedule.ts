/** Runs something later and returns how to call it off. Tests pass one that they turn by hand. */
export type Schedule = (delayMs: number, run: () => void) => () => void

/** The process may end while something is scheduled. */
export const scheduleByTimer: Schedule = (delayMs, run) => {
  const timer = setTimeout(run, delayMs)
  timer.unref()
  return () => clearTimeout(timer)
}
