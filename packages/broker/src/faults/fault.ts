/** Active faults: how often each has occurred, what waits because of it, and how it ends. */

export type Fault = {
  /** How many requests, or operations of the disk, it has affected so far. */
  readonly hits: number
  /** Resolves when it affects the first request or operation. Pending if it never does. */
  readonly struck: Promise<void>
  /** Ends it; waiting requests and operations continue. A second call has no effect. */
  end(): void
  /** Same as `end`, for `using`. */
  [Symbol.dispose](): void
}

/** Begins to wait, and returns a function that cancels the wait. */
export type Wait = (done: () => void) => () => void

/** The active faults of one kind, and everything that waits because of a fault, also of one that has occurred its number of times. */
export class Faults<Order> {
  #list: readonly { readonly fault: OrderedFault; readonly order: Order }[] = []
  readonly waiting = new Set<() => void>()
  /** How often all of them were ended. */
  clears = 0

  get list(): readonly { readonly fault: OrderedFault; readonly order: Order }[] {
    return this.#list
  }

  /** @param times how often it occurs @throws RangeError */
  add(order: Order, times: number | undefined): OrderedFault {
    const fault = new OrderedFault(times, this, () => {
      this.#list = this.#list.filter((other) => other.fault !== fault)
    })
    this.#list = [...this.#list, { fault, order }]
    return fault
  }

  clear(): void {
    this.clears += 1
    for (const { fault } of this.#list) fault.end()
    for (const done of [...this.waiting]) done()
  }
}

type All = Pick<Faults<unknown>, 'waiting' | 'clears'>

/** The broker's interface to a fault. */
export class OrderedFault implements Fault {
  readonly #struck = Promise.withResolvers<void>()
  readonly #waiting = new Set<() => void>()
  readonly #all: All
  readonly #remove: () => void
  readonly #clearsBefore: number
  #isEnded = false
  #left: number
  hits = 0

  constructor(times: number | undefined, all: All, remove: () => void) {
    if (times !== undefined && !(Number.isSafeInteger(times) && times > 0)) {
      throw new RangeError(`times must be a whole number from 1, not ${times}`)
    }
    this.#left = times ?? Number.POSITIVE_INFINITY
    this.#all = all
    this.#clearsBefore = all.clears
    this.#remove = remove
  }

  get struck(): Promise<void> {
    return this.#struck.promise
  }

  strike(): void {
    this.hits += 1
    this.#left -= 1
    if (this.#left === 0) this.#remove()
    this.#struck.resolve()
  }

  /** Resolves when `begin` calls back, or when the fault is ended: at once if it was ended since it occurred. */
  wait(begin: Wait): Promise<void> {
    if (this.#isEnded || this.#all.clears !== this.#clearsBefore) return Promise.resolve()
    return new Promise((resolve) => {
      let cancel = () => {}
      const done = () => {
        this.#waiting.delete(done)
        this.#all.waiting.delete(done)
        cancel()
        resolve()
      }
      this.#waiting.add(done)
      this.#all.waiting.add(done)
      cancel = begin(done)
    })
  }

  end(): void {
    this.#isEnded = true
    this.#remove()
    for (const done of [...this.#waiting]) done()
  }

  [Symbol.dispose](): void {
    this.end()
  }
}

/** @throws RangeError */
export function checkDelay(ms: number): void {
  if (!(ms >= 0 && ms <= maxDelayMs)) throw new RangeError(`ms must be from 0 to ${maxDelayMs}, not ${ms}`)
}

/** The longest time of Node's timers. */
const maxDelayMs = 2 ** 31 - 1
