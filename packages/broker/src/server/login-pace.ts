/**
 * The pause before a password is checked: none at first, and longer after every wrong one from the same address, so that
 * guessing is slow. A right password waits as well: a faster answer would show that it is right.
 *
 * The number of stored addresses is limited: the one whose last wrong password is the oldest is dropped first.
 */
import type { Schedule } from '../coordinators/schedule.ts'

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5000
/** An address is dropped after this time without another wrong password. */
const REMEMBERED_MS = 60_000
const MOST_ADDRESSES = 10_000

type Entry = { failures: number; cancel: () => void }

export class LoginPace {
  readonly #schedule: Schedule
  /** The oldest failure first. */
  readonly #entries = new Map<string, Entry>()

  constructor(schedule: Schedule) {
    this.#schedule = schedule
  }

  /** Resolves when a password from the address may be checked. */
  async pause(address: string): Promise<void> {
    const failures = this.#entries.get(address)?.failures ?? 0
    if (failures === 0) return
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS)
    await new Promise<void>((resolve) => {
      this.#schedule(pauseMs, resolve)
    })
  }

  failed(address: string): void {
    const known = this.#entries.get(address)
    this.#forget(address)
    const cancel = this.#schedule(REMEMBERED_MS, () => this.#forget(address))
    this.#entries.set(address, { failures: (known?.failures ?? 0) + 1, cancel })
    const [oldest] = this.#entries.keys()
    if (this.#entries.size > MOST_ADDRESSES && oldest !== undefined) this.#forget(oldest)
  }

  #forget(address: string): void {
    this.#entries.get(address)?.cancel()
    this.#entries.delete(address)
  }
}
