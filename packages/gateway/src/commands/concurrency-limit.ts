/**
 * How many commands of one partition may wait for their replies at once, learned from how long the replies take. By
 * Little's law those who wait take `waiting / rate` seconds, so a bound on the waiting is a bound on the time, whatever the
 * rate is at the moment: few when the service is slow, or busy with the commands of other gateways, many when it is fast.
 *
 * The limit is judged in rounds. A round counts only commands that came after its beginning, so that what an earlier limit
 * let in is not held against the present one; it ends once it is long enough and has enough replies:
 *
 *     mean > target                      limit × target / mean     (at least a half: at once where the wait is the target)
 *     mean ≤ target, limit half used     limit + √limit            (slowly: gateways that share a log meet in the middle)
 *     mean ≤ target / 2, limit half used limit × 2                 (from a low start, or after an outage)
 *
 * Silence ends no round. If some have waited for `silenceMs` and nobody was answered in that time, the service or its
 * partition is away: the limit falls to the least, so that only a few wait in vain, and the next replies raise it again.
 *
 * The idea is that of TCP's congestion control (RFC 5681) and of Netflix' concurrency-limits.
 */
export type LimitOptions = {
  /** Always let in, to find out whether anybody answers. */
  readonly least: number
  readonly first: number
  readonly most: number
  /** What the mean wait of a round is to stay below. */
  readonly targetMs: number
  readonly silenceMs: number
  /** Milliseconds, never going back. */
  readonly elapsed: () => number
}

/** A command that waits. Whichever of the two comes first ends it; the other then does nothing. */
export type Waiting = {
  readonly answered: () => void
  /** Its wait ended without a reply: nothing is learned from it. */
  readonly left: () => void
}

const roundMs = 100
/** Replies that make a round, or half the limit if that is less. */
const enoughReplies = 20

export class ConcurrencyLimit {
  readonly #options: LimitOptions
  #limit: number
  /** When each began to wait, oldest first. */
  readonly #waiting = new Map<symbol, number>()
  #lastAnsweredAt: number
  #roundBeganAt: number
  #replies = 0
  #totalMs = 0
  /** The most that waited at once in this round. */
  #peak = 0
  /** Of the last round that had replies. */
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

  /** How many may wait now; after a silence, few. */
  allow(): number {
    if (this.silenceMs > 0) this.#fall()
    return Math.floor(this.#limit)
  }

  /** For how long somebody has waited without anybody being answered; 0 as long as that is less than `silenceMs`. */
  get silenceMs(): number {
    const [oldest] = this.#waiting.values()
    if (oldest === undefined) return 0
    const ms = this.#options.elapsed() - Math.max(oldest, this.#lastAnsweredAt)
    return ms < this.#options.silenceMs ? 0 : ms
  }

  /** Replies a second that the service gives when the limit is used, as far as is known. */
  get ratePerSecond(): number {
    return (this.#limit * 1000) / Math.max(1, this.#meanMs ?? this.#options.targetMs)
  }

  /** Whether there is room is the caller's to ask before. */
  enter(): Waiting {
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
    // What is not used says nothing about how much more would be too much.
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
