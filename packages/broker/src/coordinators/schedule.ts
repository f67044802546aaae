/** Runs a function later and returns a function that cancels it. Tests pass a schedule that they control. */
export type Schedule = (delayMs: number, run: () => void) => () => void

/** Scheduled functions don't keep the process alive. */
export const scheduleByTimer: Schedule = (delayMs, run) => {
  const timer = setTimeout(run, delayMs)
  timer.unref()
  return () => clearTimeout(timer)
}
