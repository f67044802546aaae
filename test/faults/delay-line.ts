/** Does things in the order in which they were asked for, each so much later as the delay was when it was asked for. */
export class DelayLine {
  readonly #delayMs: () => number
  readonly #queue: { readonly dueAt: number; readonly act: () => void }[] = []
  #timer: NodeJS.Timeout | undefined
  #lastDueAt = 0

  constructor(delayMs: () => number) {
    this.#delayMs = delayMs
  }

  /** At once if nothing is to wait for. */
  push(act: () => void): void {
    const now = performance.now()
    // A delay that has become shorter must not let one overtake another.
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
