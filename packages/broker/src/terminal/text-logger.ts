/** The broker's log as lines for people. */
import type { Logger } from '../logger.ts'

export const logLevels = ['silent', 'error', 'warn', 'info', 'debug'] as const
export type LogLevel = (typeof logLevels)[number]

/** Writes lines of this `level` or a higher one: `warn: connection closed because the client sent invalid data (host: 127.0.0.1, reason: …)`. */
export function textLogger(level: LogLevel, write: (line: string) => void): Logger {
  const most = logLevels.indexOf(level)
  const at = (of: LogLevel) => (details: object, message: string) => {
    if (logLevels.indexOf(of) <= most) write(`${of}: ${message}${textOf(details)}\n`)
  }
  return { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') }
}

function textOf(details: object): string {
  const parts = Object.entries(details).map(
    ([name, value]) => `${name}: ${value instanceof Error ? value.message : value}`,
  )
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`
}
