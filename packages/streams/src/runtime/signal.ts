/** A doorbell: a ring before the wait is not lost, and many rings are one. For a single waiter. */
export class Signal {
  #rung = false
  #wake: (() => void) | undefined

  ring(): void {
    this.#rung = true
    this.#wake?.()
  }

  async wait(): Promise<void> {
    if (!this.#rung) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    this.#rung = false
    this.#wake = undefined
  }
}
