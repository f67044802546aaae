/** The findings: the count of each kind, and the first of them, since every record of a log may be wrong. */
import type { Finding } from './cut.ts'

const maxKept = 50

export class Findings {
  readonly kept: Finding[] = []
  readonly #counts = new Map<Finding['invariant'], number>()

  get count(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0)
  }

  countOf(invariant: Finding['invariant']): number {
    return this.#counts.get(invariant) ?? 0
  }

  addAll(findings: Iterable<Finding>): void {
    for (const finding of findings) {
      this.#counts.set(finding.invariant, this.countOf(finding.invariant) + 1)
      if (this.kept.length < maxKept) this.kept.push(finding)
    }
  }
}
