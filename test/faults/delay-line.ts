/** Runs actions in the order of the calls, each after the delay that applied at its call. */
export class DelayLine {
  readonly #delayMs: () => number
  readonly #queue: { readonly dueAt: number; readonly act: () => void }[] = []
  #timer: NodeJS.Timeout | undefined
  #lastDueAt = 0

  constructor(delayMs: () => number) {
    this.#delayMs = delayMs
  }

  /** Runs at once if nothing is waiting. */
  push(act: () => void): void {
    const now = performance.now()
    // After the delay has become shorter, an action must not overtake an earlier one.
    this.#lastDueAt = Math.max(this.#lastDueAt, now + this.#delayMs())
    if (this.#queue.length === 0 && this.#lastDueAt <= now) act()
    else {
      this.#queue.push({ dueAt: this.#lastDueAt, act })
      this.#timer ??= this.#wait()
    }
  }

  clear(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#queue.length = 0
  }

  #wait(): NodeJS.Timeout {
    const [first] = this.#queue
    return setTimeout(() => this.#run(), Math.ceil((first?.dueAt ?? 0) - performance.now()))
  }

  #run(): void {
    this.#timer = undefined
    while (this.#queue[0] !== undefined && this.#queue[0].dueAt <= performance.now()) this.#queue.shift()?.act()
    if (this.#queue.length > 0) this.#timer ??= this.#wait()
  }
}
