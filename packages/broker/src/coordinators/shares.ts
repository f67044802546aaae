/**
 * Counts each client's part of a shared resource, so that one client can't use all of it. Items that exist at the
 * start count to the total, but to no client: their origin is not stored.
 */
export class Shares {
  readonly #limits: { readonly most: number; readonly mostOfOne: number }
  readonly #holders = new Map<string, string>()
  readonly #held = new Map<string, number>()

  constructor(limits: { readonly most: number; readonly mostOfOne: number }) {
    this.#limits = limits
  }

  hasRoomFor(client: string): boolean {
    const { most, mostOfOne } = this.#limits
    return this.#holders.size < most && (this.#held.get(client) ?? 0) < mostOfOne
  }

  /** @param client `''` counts to no client */
  add(id: string, client = ''): void {
    if (this.#holders.has(id)) return
    this.#holders.set(id, client)
    if (client !== '') this.#held.set(client, (this.#held.get(client) ?? 0) + 1)
  }

  remove(id: string): void {
    const client = this.#holders.get(id)
    if (client === undefined) return
    this.#holders.delete(id)
    const left = (this.#held.get(client) ?? 0) - 1
    if (left > 0) this.#held.set(client, left)
    else this.#held.delete(client)
  }
}
