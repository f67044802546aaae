/**
 * A service that answers commands one after another at a given rate, clients that send one as soon as they may, and a clock:
 * a world in which the law of the limit can be watched for minutes in no time.
 */
import { ConcurrencyLimit, type LimitOptions, type WaitingCommand } from '../../src/commands/concurrency-limit.ts'

export class SlowService {
  now = 0
  /** 0: it is away, and answers later what was asked meanwhile. */
  ratePerSecond: number
  readonly #queue: { readonly waiting: WaitingCommand; readonly since: number }[] = []
  #credit = 0
  /** How long those that were answered had waited. */
  waits: number[] = []
  refused = 0

  constructor(ratePerSecond: number) {
    this.ratePerSecond = ratePerSecond
  }

  limit(options: Partial<LimitOptions> = {}): ConcurrencyLimit {
    const bounds = { least: 8, first: 256, most: 10_000, targetMs: 500, silenceMs: 1_500 }
    return new ConcurrencyLimit({ ...bounds, elapsed: () => this.now, ...options })
  }

  /** As many as there is room for, up to `count`. */
  send(limit: ConcurrencyLimit, count: number): void {
    for (let i = 0; i < count; i++) {
      if (limit.allow() <= limit.waiting) {
        this.refused += count - i
        return
      }
      this.#queue.push({ waiting: limit.enter(), since: this.now })
    }
  }

  /** Steps of 10 ms; `each` is called at the beginning of every one. */
  run(ms: number, each: () => void): void {
    for (const until = this.now + ms; this.now < until; ) {
      each()
      this.now += 10
      this.#credit += this.ratePerSecond / 100
      for (; this.#credit >= 1 && this.#queue.length > 0; this.#credit--) {
        const next = this.#queue.shift()
        next?.waiting.answered()
        if (next !== undefined) this.waits.push(this.now - next.since)
      }
      // What was not asked for is not saved up.
      this.#credit = Math.min(this.#credit, 1)
    }
  }

  /** The longest and the mean wait since the last call. */
  takeWaits(): { readonly count: number; readonly mean: number; readonly most: number } {
    const { waits } = this
    this.waits = []
    const mean = waits.reduce((sum, wait) => sum + wait, 0) / Math.max(1, waits.length)
    return { count: waits.length, mean, most: waits.reduce((most, wait) => Math.max(most, wait), 0) }
  }
}
