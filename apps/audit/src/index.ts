/** Checks the invariants of ARCHITECTURE.md on any log, from outside. */
export type { Finding, Located, LogCut } from './cut.ts'
export { UndecidableError, UnreadableError } from './errors.ts'
export { readLogCut } from './read-cut.ts'
export { verify } from './verify.ts'
