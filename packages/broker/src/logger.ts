/** The part of pino's logger that the broker uses. */
export type Logger = {
  /** For details that help to analyse a fault. */
  debug(details: object, message: string): void
  /** For normal events, such as deleted segments. */
  info(details: object, message: string): void
  /** For events that an operator may have to look at, such as a refused connection. */
  warn(details: object, message: string): void
  /** For failures of the broker itself. */
  error(details: object, message: string): void
}
