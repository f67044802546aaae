/**
 * The number of commands in one partition that may wait for their replies at once, learned from the times of the replies. By
 * Little's law waiting commands take `waiting / rate` seconds, so a limit of their number is a limit of the time, at any
 * rate: a low limit if the service is slow, or busy with commands of other gateways, a high one if it is fast.
 *
 * The limit is set in rounds. A round counts only commands that came after its beginning, so that commands under an earlier limit
 * don't influence the present one; it ends once it is long enough and has enough replies:
 *
 *     mean > target                      limit × target / mean     (at least a half: at once where the wait is the target)
 *     mean ≤ target, limit half used     limit + √limit            (slowly: gateways that share a log get equal shares)
 *     mean ≤ target / 2, limit half used limit × 2                 (from a low start, or after an outage)
 *
 * A round does not end without replies. If commands have waited for `silenceMs` and none was answered in that time, the service or
 * its partition is away: the limit falls to the least, so that only a few wait in vain, and the next replies raise it again.
 *
 * The idea is that of TCP's congestion control (RFC 5681) and of Netflix' concurrency-limits.
 */
export type LimitOptions = {
  /** The number that is always accepted, to find out whether the service answers. */
  readonly least: number
  readonly first: number
  readonly most: number
  /** The mean wait of a round should stay below it. */
  readonly targetMs: number
  readonly silenceMs: number
  /** Milliseconds; never goes back. */
  readonly elapsed: () => number
}

/** A command that waits. The first of the two calls ends it; the other then has no effect. */
export type WaitingCommand = {
  readonly answered: () => void
  /** Its wait ended without a reply: it does not change the limit. */
  readonly left: () => void
}

const roundMs = 100
/** The number of replies that make a round, or half the limit if that is less. */
const enoughReplies = 20

export class ConcurrencyLimit {
  readonly #options: LimitOptions
  #limit: number
  /** The starts of all waits, oldest first. */
  readonly #waiting = new Map<symbol, number>()
  #lastAnsweredAt: number
  #roundBeganAt: number
  #replies = 0
  #totalMs = 0
  /** The highest number that waited at once in this round. */
  #peak = 0
  /** The mean of the last round that had replies. */
  #meanMs: number | undefined

  constructor(options: LimitOptions) {
    this.#options = options
    this.#limit = options.first
    this.#lastAnsweredAt = options.elapsed()
    this.#roundBeganAt = this.#lastAnsweredAt
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** How many may wait now; few after a time without replies. */
  allow(): number {
    if (this.silenceMs > 0) this.#fall()
    return Math.floor(this.#limit)
  }

  /** How long commands have waited without any reply; 0 as long as that is less than `silenceMs`. */
  get silenceMs(): number {
    const [oldest] = this.#waiting.values()
    if (oldest === undefined) return 0
    const ms = this.#options.elapsed() - Math.max(oldest, this.#lastAnsweredAt)
    return ms < this.#options.silenceMs ? 0 : ms
  }

  /** The replies per second of the service when the limit is used, as far as known. */
  get ratePerSecond(): number {
    return (this.#limit * 1000) / Math.max(1, this.#meanMs ?? this.#options.targetMs)
  }

  /** The caller checks before whether there is a place. */
  enter(): WaitingCommand {
    const id = Symbol()
    const enteredAt = this.#options.elapsed()
    this.#waiting.set(id, enteredAt)
    this.#peak = Math.max(this.#peak, this.#waiting.size)
    return {
      answered: () => {
        if (this.#waiting.delete(id)) this.#learn(enteredAt)
      },
      left: () => void this.#waiting.delete(id),
    }
  }

  #learn(enteredAt: number): void {
    const now = this.#options.elapsed()
    this.#lastAnsweredAt = now
    if (enteredAt < this.#roundBeganAt) return
    this.#replies++
    this.#totalMs += now - enteredAt
    if (now - this.#roundBeganAt < roundMs || this.#replies < Math.min(enoughReplies, this.#limit / 2)) return
    this.#meanMs = this.#totalMs / this.#replies
    this.#set(this.#next(this.#meanMs), now)
  }

  #next(meanMs: number): number {
    const { targetMs } = this.#options
    if (meanMs > targetMs) return this.#limit * Math.max(0.5, targetMs / meanMs)
    // If the limit was not used, it is not known whether a higher one is good.
    if (this.#peak < this.#limit / 2) return this.#limit
    return meanMs > targetMs / 2 ? this.#limit + Math.sqrt(this.#limit) : this.#limit * 2
  }

  #fall(): void {
    if (this.#limit > this.#options.least) this.#set(this.#options.least, this.#options.elapsed())
  }

  /** Begins a round. */
  #set(limit: number, now: number): void {
    const { least, most } = this.#options
    this.#limit = Math.min(most, Math.max(least, limit))
    this.#roundBeganAt = now
    this.#replies = 0
    this.#totalMs = 0
    this.#peak = this.#waiting.size
  }
}
