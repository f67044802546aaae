/**
 * Log lines on standard output that never block a process or end it, also if the disk is full, if the
 * reader is gone, or if it stops reading. pino's own destination repeats a write that fails with EPIPE in a
 * loop that blocks the process at its exit, and ignores SIGTERM.
 */
import { type Logger, type LoggerOptions, pino } from 'pino'
import { logLevelSetting } from './environment.ts'

/** The bytes that may wait for a slow reader. Further lines are dropped and counted. */
const defaultMaxQueuedBytes = 1024 * 1024

/** The part of a Writable that is used. */
type Output = Pick<NodeJS.WritableStream, 'on'> & {
  readonly writableLength: number
  write(line: string, done: (error?: Error | null) => void): boolean
}

/**
 * A pino logger on standard output that never blocks the process: lines beyond 1 MiB that wait for a slow reader, and
 * lines that cannot be written, are dropped and counted.
 * @param options pino's own; an empty or missing level is `info`. An unknown level, which can only come from LOG_LEVEL, ends the
 *   process with exit code 1 and one sentence on standard error, because there is no log yet.
 */
export function openLogger(options: Omit<LoggerOptions, 'level'> & { readonly level?: string | undefined }): Logger {
  // Without a listener an error of one of the streams would end the process.
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
 * Writes each line at once if there is room for it, and never waits. A line that can't be written is dropped; the next line
 * that can be written is followed by one with the number of dropped lines.
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
