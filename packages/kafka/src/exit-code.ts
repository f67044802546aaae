/**
 * The exit code of a process that can't reach the log: EX_TEMPFAIL of sysexits.h. The log may be away for hours; a supervisor starts the
 * process again until the log is back. A separate file, so that the launcher loads it without the client.
 * @example
 * ```ts
 * import { logAwayExitCode } from '@streampay/kafka/exit-code'
 *
 * console.log(logAwayExitCode) // → 75
 * ```
 */
export const logAwayExitCode = 75
