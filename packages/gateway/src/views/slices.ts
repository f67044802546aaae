/**
 * A feed gives records to its follower one slice at a time: from the first record of a slice until the slice is stored and reported,
 * the feed's positions are ahead of what can be read. This class knows whether that is so, and has the callers that wait for its end.
 */
type Waiter = { readonly offsets: readonly number[]; readonly resolve: (reached: boolean) => void }

export class Slices {
  readonly #hasReached: (offsets: readonly number[]) => boolean
  #current: PromiseWithResolvers<void> | undefined
  readonly #waiters = new Set<Waiter>()

  /** @param hasReached whether the feed's positions are at or beyond these */
  constructor(hasReached: (offsets: readonly number[]) => boolean) {
    this.#hasReached = hasReached
  }

  /** Undefined between two slices; otherwise it resolves when the slice may have ended. */
  get current(): Promise<void> | undefined {
    return this.#current?.promise
  }

  /** The end of the slice under way, if there is one. */
  begin(): void {
    this.#current ??= Promise.withResolvers()
  }

  /** Callers that wait for its end check again, although the slice continues. */
  wake(): void {
    this.#current?.resolve()
  }

  /** The slice is void, or was stored and reported: `tell` follows. */
  end(): void {
    this.wake()
    this.#current = undefined
  }

  /** Resolves the waits for offsets that can be read now. */
  tell(): void {
    for (const waiter of this.#waiters) {
      if (!this.#hasReached(waiter.offsets)) continue
      this.#waiters.delete(waiter)
      waiter.resolve(true)
    }
  }

  /** Resolves true once all offsets below the given ones can be read, false after the time. */
  async reached(offsets: readonly number[], timeoutMs: number): Promise<boolean> {
    if (this.#current === undefined && this.#hasReached(offsets)) return true
    return new Promise((resolve) => {
      const waiter: Waiter = {
        offsets,
        resolve: (reached) => {
          clearTimeout(timer)
          resolve(reached)
        },
      }
      const timer = setTimeout(() => {
        this.#waiters.delete(waiter)
        resolve(false)
      }, timeoutMs)
      this.#waiters.add(waiter)
    })
  }

  /** Ends all waits, because their offsets will not be reached. */
  close(): void {
    for (const { resolve } of this.#waiters) resolve(false)
    this.#waiters.clear()
  }
}
