/**
 * The work of one topology of a process that the log does not know yet. A batch and the beginning of its transaction are one turn of the
 * process: records that were processed without a transaction had no effect, and a later transaction commits their offsets.
 *
 *     processed ──► begin, in the same turn ──► the transaction's       committed: what it did not tell stays settled
 *         └───────► no transaction ──► settled ────────┘                aborted: the batch runs again, what was settled does not
 */
import type { Input } from './cluster.ts'

export class Work {
  #tasks: ReadonlySet<number> = new Set()
  #batch: Input[] = []
  #settled: Input[] = []

  get tasks(): ReadonlySet<number> {
    return this.#tasks
  }

  /** These tasks begin at the offsets on the log. */
  claim(tasks: ReadonlySet<number>): void {
    this.#tasks = tasks
    this.#settled = []
  }

  processed(input: Input): void {
    if (this.#batch.length === 0) queueMicrotask(() => this.#settled.push(...this.#batch.splice(0)))
    this.#batch.push(input)
  }

  /** All work whose offsets a transaction that begins now may commit. */
  begin(): Input[] {
    return [...this.#settled, ...this.#batch.splice(0)]
  }

  committed(inputs: readonly Input[], told: ReadonlySet<number>): void {
    this.#settled = inputs.filter(({ partition }) => !told.has(partition))
  }
}
