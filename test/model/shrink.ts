/**
 * Makes a small failing history from a large one: items are left out in ever smaller parts (Zeller's delta debugging), and since the rest
 * then interleaves differently, a few seeds of the scheduler are tried for each.
 */
import type { History, Settings } from './history.ts'
import type { Run } from './run-history.ts'

export type Shrunk = { readonly history: History; readonly run: Run }

export type ShrinkOptions = {
  readonly run: (history: History) => Promise<Run>
  /** The most runs. */
  readonly maxRuns: number
}

const seedsTried = 4

export async function shrink(first: Shrunk, options: ShrinkOptions): Promise<Shrunk> {
  return await new Shrinking(first, options).toTheEnd()
}

class Shrinking {
  #best: Shrunk
  #runs = 0
  readonly #options: ShrinkOptions

  constructor(first: Shrunk, options: ShrinkOptions) {
    this.#best = first
    this.#options = options
  }

  async toTheEnd(): Promise<Shrunk> {
    await this.#try({ ...this.#best.history, epilogue: [] })
    await this.#simplify()
    let before: number
    do {
      before = this.#size
      await this.#leaveOut('items')
      await this.#leaveOut('epilogue')
    } while (this.#size < before && this.#mayGoOn)
    await this.#simplify()
    return this.#best
  }

  get #size(): number {
    return this.#best.history.items.length + this.#best.history.epilogue.length
  }

  get #mayGoOn(): boolean {
    return this.#runs < this.#options.maxRuns
  }

  async #leaveOut(list: 'items' | 'epilogue'): Promise<void> {
    for (let size = Math.ceil(this.#best.history[list].length / 2); size >= 1; size = size === 1 ? 0 : size >> 1) {
      // From the end, since late items depend on early ones.
      for (let at = this.#best.history[list].length - size; at > -size && this.#mayGoOn; at -= size) {
        const kept = this.#best.history[list].toSpliced(Math.max(0, at), size + Math.min(0, at))
        await this.#try({ ...this.#best.history, [list]: kept })
      }
    }
  }

  /** Settings that are easier to follow. */
  async #simplify(): Promise<void> {
    const { settings } = this.#best.history
    const simpler: Partial<Settings>[] = [
      ...Array.from({ length: settings.slots - 1 }, (_, i) => ({ slots: i + 1 })),
      { speeds: [1] },
      { paceMs: 1 },
      { maxBatchRecords: 4_000, maxQueuedRecords: 10_000 },
      { partitionCount: 2 },
      { maxOutstanding: 20 },
    ]
    for (const change of simpler) {
      const { history } = this.#best
      const isNew = Object.entries(change).some(
        ([name, value]) => JSON.stringify(history.settings[name as keyof Settings]) !== JSON.stringify(value),
      )
      const isLess = change.slots === undefined || change.slots < history.settings.slots
      if (isNew && isLess) await this.#try({ ...history, settings: { ...history.settings, ...change } })
    }
  }

  async #try(history: History): Promise<void> {
    for (let i = 0; i < seedsTried && this.#mayGoOn; i++) {
      this.#runs++
      const candidate = { ...history, seed: history.seed + i }
      const run = await this.#options.run(candidate)
      if (run.violations.length === 0) continue
      this.#best = { history: candidate, run }
      return
    }
  }
}
