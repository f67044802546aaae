/**
 * The life of a token behind a stream: 30 s before it expires the client is asked for a new one; if none comes, the stream
 * ends when the token expires.
 *
 *     open ──(challengeMs before expiry)──► challenged ──(expiry)──► expired
 *      ▲                                        │
 *      └──────────── renewed ◄──────────────────┘
 */

import type { Identity } from '../guard/guard.ts'
import type { Clock } from '../shared/clock.ts'

export type SessionOptions = {
  readonly identity: Identity
  readonly clock: Clock
  readonly challengeMs: number
  readonly onChallenge: (expiresAt: number) => void
  readonly onExpired: () => void
}

/** Node fires timers with a longer time at once. */
const longestTimerMs = 2 ** 31 - 1

export class Session {
  readonly subject: string
  readonly #options: SessionOptions
  #expiresAt: number
  #timer: NodeJS.Timeout | undefined

  constructor(options: SessionOptions) {
    this.subject = options.identity.subject
    this.#options = options
    this.#expiresAt = options.identity.expiresAt
    this.#schedule('challenge')
  }

  renew(identity: Identity): void {
    this.#expiresAt = Math.max(this.#expiresAt, identity.expiresAt)
    this.#schedule('challenge')
  }

  close(): void {
    clearTimeout(this.#timer)
  }

  #schedule(next: 'challenge' | 'expire'): void {
    clearTimeout(this.#timer)
    const { clock, challengeMs } = this.#options
    const dueAt = next === 'challenge' ? this.#expiresAt - challengeMs : this.#expiresAt
    const delayMs = Math.min(longestTimerMs, Math.max(0, dueAt - clock.now()))
    this.#timer = setTimeout(() => this.#due(next, dueAt), delayMs)
  }

  #due(step: 'challenge' | 'expire', dueAt: number): void {
    // A timer may fire early, or its time may have been reduced to the longest possible one.
    if (this.#options.clock.now() < dueAt) this.#schedule(step)
    else if (step === 'challenge') {
      this.#options.onChallenge(this.#expiresAt)
      this.#schedule('expire')
    } else this.#options.onExpired()
  }
}
