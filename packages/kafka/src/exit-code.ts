/**
 * How a process ends that can't reach the log: EX_TEMPFAIL of sysexits.h. The log may be away for hours, and who started the process
 * starts it again until it is back. A file of its own: the launcher loads it without the client.
 */
export const logAwayExitCode = 75
