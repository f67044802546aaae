/**
 * Limits the lines of a log: an event that makes a gateway write one line can repeat many times, and a full disk, or a log whose
 * files are rotated away, hides the important lines. Of each kind of line (its level and text) a few are written per second, and
 * ten times as many of all kinds; the number of the others is logged. A fatal line is always written.
 */
import type { FastifyBaseLogger } from 'fastify'

export type LineLimits = {
  /** Lines of one kind per second. */
  readonly perSecond: number
  /** Milliseconds; never goes back. */
  readonly elapsed: () => number
}

/** The same logger with a limit, which its children share. */
export function boundLines(logger: FastifyBaseLogger, limits: LineLimits): FastifyBaseLogger {
  return new BoundLogger(logger, new Budget(logger, limits))
}

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const
type Level = (typeof levels)[number]

class BoundLogger implements FastifyBaseLogger {
  readonly #target: FastifyBaseLogger
  readonly #budget: Budget

  constructor(target: FastifyBaseLogger, budget: Budget) {
    this.#target = target
    this.#budget = budget
  }

  get level(): string {
    return this.#target.level
  }

  set level(level: string) {
    this.#target.level = level
  }

  child(...args: Parameters<FastifyBaseLogger['child']>): FastifyBaseLogger {
    return new BoundLogger(this.#target.child(...args), this.#budget)
  }

  fatal(...args: unknown[]): void {
    write(this.#target, 'fatal', args)
  }

  error(...args: unknown[]): void {
    this.#line('error', args)
  }

  warn(...args: unknown[]): void {
    this.#line('warn', args)
  }

  info(...args: unknown[]): void {
    this.#line('info', args)
  }

  debug(...args: unknown[]): void {
    this.#line('debug', args)
  }

  trace(...args: unknown[]): void {
    this.#line('trace', args)
  }

  silent(): void {
    // Writes nothing, as its name says.
  }

  #line(level: Level, args: unknown[]): void {
    const lowest = (levels as readonly string[]).indexOf(this.#target.level)
    if (lowest === -1 || levels.indexOf(level) < lowest) return
    if (this.#budget.take(level, args)) write(this.#target, level, args)
  }
}

function write(target: FastifyBaseLogger, level: Level, args: unknown[]): void {
  Reflect.apply(target[level], target, args)
}

const windowMs = 1_000
const kindsOfAll = 10
/** The number of texts that are kept apart in one second; further ones count as one kind. */
const mostKinds = 100
const longestKind = 100

class Budget {
  readonly #logger: FastifyBaseLogger
  readonly #limits: LineLimits
  readonly #written = new Map<string, number>()
  readonly #leftOut = new Map<string, number>()
  #all = 0
  #beganAt = Number.NEGATIVE_INFINITY
  #telling: NodeJS.Timeout | undefined

  constructor(logger: FastifyBaseLogger, limits: LineLimits) {
    this.#logger = logger
    this.#limits = limits
  }

  /** Whether the line may be written. */
  take(level: Level, args: readonly unknown[]): boolean {
    const { perSecond, elapsed } = this.#limits
    const now = elapsed()
    if (now - this.#beganAt >= windowMs) this.#begin(now)
    const kind = this.#kindOf(level, args)
    const ofKind = this.#written.get(kind) ?? 0
    if (ofKind < perSecond && this.#all < perSecond * kindsOfAll) {
      this.#written.set(kind, ofKind + 1)
      this.#all++
      return true
    }
    this.#leftOut.set(kind, (this.#leftOut.get(kind) ?? 0) + 1)
    this.#telling ??= setTimeout(() => this.#tell(), windowMs).unref()
    return false
  }

  #kindOf(level: Level, args: readonly unknown[]): string {
    const text = args.find((arg) => typeof arg === 'string') ?? ''
    const kind = `${level} ${text.slice(0, longestKind)}`
    const isKnown = this.#written.has(kind) || this.#written.size + this.#leftOut.size < mostKinds
    return isKnown ? kind : `${level}, of other kinds`
  }

  #begin(now: number): void {
    this.#beganAt = now
    this.#all = 0
    this.#written.clear()
  }

  #tell(): void {
    this.#telling = undefined
    const leftOut = [...this.#leftOut].map(([kind, lines]) => ({ kind, lines }))
    this.#leftOut.clear()
    this.#logger.warn({ leftOut }, 'lines of the log were left out')
  }
}
