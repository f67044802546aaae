/**
 * Log lines on standard output that never hold a process up or end it, whatever becomes of the output: a full disk, a
 * reader that is gone, a reader that reads no more. pino's own destination repeats a write that fails with EPIPE in a
 * loop that blocks the process at its exit, deaf to SIGTERM.
 */
import { type Logger, type LoggerOptions, pino } from 'pino'
import { logLevelSetting } from './environment.ts'

/** What may wait for a reader that is slow. Lines beyond it are dropped and counted. */
const defaultMaxQueuedBytes = 1024 * 1024

/** The part of a Writable that is used. */
type Output = Pick<NodeJS.WritableStream, 'on'> & {
  readonly writableLength: number
  write(line: string, done: (error?: Error | null) => void): boolean
}

/**
 * A pino logger on standard output that never holds the process up: what a slow reader leaves waiting beyond 1 MiB, and
 * what cannot be written, is dropped and counted.
 * @param options pino's own; a level that is empty or missing is `info`. An unknown level, which can only come from LOG_LEVEL, ends the
 *   process with exit code 1 and one sentence on standard error, because there is no log yet.
 */
export function openLogger(options: Omit<LoggerOptions, 'level'> & { readonly level?: string | undefined }): Logger {
  // Without a listener an error of one of them would end the process.
  process.stderr.on('error', () => undefined)
  return pino({ ...options, level: knownLevel(options.level) }, linesTo(process.stdout))
}

function knownLevel(level: string | undefined): string {
  try {
    return logLevelSetting({ LOG_LEVEL: level })
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exit(1)
  }
}

/**
 * Writes each line at once where there is room for it, and never waits. A line that can't be written is dropped; the first
 * line that can be written again is followed by one that says how many were lost.
 */
export function linesTo(output: Output, maxQueuedBytes = defaultMaxQueuedBytes): { write(line: string): void } {
  let dropped = 0
  let reporting = false
  output.on('error', () => undefined)

  const written = (error?: Error | null): void => {
    if (error) {
      dropped += 1
      return
    }
    if (dropped === 0 || reporting) return
    const lost = dropped
    reporting = true
    output.write(`{"level":40,"msg":"log lines could not be written","lines":${lost}}\n`, (failure) => {
      reporting = false
      if (!failure) dropped -= lost
    })
  }
  return {
    write(line) {
      if (output.writableLength > 0 && output.writableLength + line.length > maxQueuedBytes) dropped += 1
      else output.write(line, written)
    },
  }
}
