/** The totals of a run's histories, for its progress lines. */
import type { Report } from './worker.ts'

export class Tally {
  histories = 0
  #commands = 0
  #transactions = 0
  #steps = 0
  readonly #faults = new Map<string, number>()
  readonly #startedAt = performance.now()

  add({ commands, transactions, steps, faults }: Extract<Report, { kind: 'passed' }>): void {
    this.histories++
    this.#commands += commands
    this.#transactions += transactions
    this.#steps += steps
    for (const [kind, count] of Object.entries(faults)) this.#faults.set(kind, (this.#faults.get(kind) ?? 0) + count)
  }

  line(): string {
    const seconds = ((performance.now() - this.#startedAt) / 1_000).toFixed(1)
    const faults = [...this.#faults].map(([kind, count]) => `${count} ${kind}`).sort()
    return `${seconds} s: ${this.histories} histories, ${this.#commands} commands, ${this.#transactions} transactions, ${this.#steps} steps; ${faults.join(', ')}`
  }
}
