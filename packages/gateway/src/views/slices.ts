/**
 * What a feed tells its follower of, a slice at a time: from the first record of a slice on until it is kept and told, the feed's
 * positions are ahead of what can be read. Here stands whether that is so, and who waits for it to be over.
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

  /** Undefined between two slices; else it resolves when that may be over. */
  get current(): Promise<void> | undefined {
    return this.#current?.promise
  }

  /** Of the slice under way if there is one. */
  begin(): void {
    this.#current ??= Promise.withResolvers()
  }

  /** Those who wait for its end look again, though it goes on. */
  wake(): void {
    this.#current?.resolve()
  }

  /** It counts no more, or was kept and told: then `tell` follows. */
  end(): void {
    this.wake()
    this.#current = undefined
  }

  /** Tells those who wait for offsets that can be read now. */
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

  /** Nobody gets there any more. */
  close(): void {
    for (const { resolve } of this.#waiters) resolve(false)
    this.#waiters.clear()
  }
}
