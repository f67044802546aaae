/** The idempotency keys of a naive task, and how many of them count towards each bound. Times are log time, in ms. */
import type { Kept } from './naive-types.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
/** Keys are counted by the slots of their times; those of a slot count for a day after its end. */
const slotMs = 3 * hourMs

export class NaiveKeys {
  readonly #keys = new Map<string, Kept>()
  readonly #counts: { readonly by: string; readonly slot: number; readonly difference: 1 | -1 }[] = []

  /** The key, unless it is older than a day and an hour. @param now The newest command's time */
  get(name: string, now: number): Kept | undefined {
    const kept = this.#keys.get(name)
    return kept === undefined || kept.at + dayMs + hourMs <= now ? undefined : kept
  }

  /** The keys of one identity, or of all. */
  count(by: string | undefined, now: number): number {
    const counted = this.#counts.filter((key) => key.slot + slotMs + dayMs > now && (by ?? key.by) === key.by)
    return counted.reduce((sum, { difference }) => sum + difference, 0)
  }

  take(name: string, kept: Kept): void {
    this.#keys.set(name, kept)
    this.#count(kept, 1)
  }

  replace(name: string, kept: Kept): void {
    this.#keys.set(name, kept)
  }

  giveBack(name: string, kept: Kept): void {
    this.#keys.delete(name)
    this.#count(kept, -1)
  }

  #count({ by, at }: Kept, difference: 1 | -1): void {
    this.#counts.push({ by, slot: at - (at % slotMs), difference })
  }
}
