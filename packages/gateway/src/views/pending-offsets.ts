/**
 * The unwritten offsets of the groups of one partition. They are in arrays, in the order in which they came, and are
 * sorted by group when they are written: most groups get one or two until then, and an array for each of
 * them would be most of the work of building a view.
 */

/** Called with a group and its offsets: those of `offsets` from `start`, inclusive, to `end`, exclusive, ascending. */
export type VisitGroup = (group: string, offsets: Float64Array, start: number, end: number) => void

/** The approximate memory of a group, and of an offset. */
const groupBytes = 110
const offsetBytes = 12
const firstCapacity = 64

export class PendingOffsets {
  /** Groups are numbered from 0. */
  readonly #numbers = new Map<string, number>()
  #offsets = new Float64Array(firstCapacity)
  /** For each offset, the number of its group. */
  #groups = new Uint32Array(firstCapacity)
  #count = 0

  get bytes(): number {
    return this.#numbers.size * groupBytes + this.#count * offsetBytes
  }

  get groupCount(): number {
    return this.#numbers.size
  }

  /** Must be called with ascending offsets. */
  add(group: string, offset: number): void {
    let number = this.#numbers.get(group)
    if (number === undefined) {
      number = this.#numbers.size
      this.#numbers.set(group, number)
    }
    if (this.#count === this.#offsets.length) this.#grow()
    this.#offsets[this.#count] = offset
    this.#groups[this.#count] = number
    this.#count++
  }

  /** Groups in the order of their texts: neighbours are on one page of the store. */
  visit(visit: VisitGroup): void {
    const { ends, offsets } = this.#byGroup()
    for (const group of [...this.#numbers.keys()].sort()) {
      const number = this.#numbers.get(group) ?? 0
      visit(group, offsets, number === 0 ? 0 : (ends[number - 1] ?? 0), ends[number] ?? 0)
    }
  }

  /** A counting sort: the end of each group, and the offsets, group by group. */
  #byGroup(): { readonly ends: Uint32Array; readonly offsets: Float64Array } {
    const ends = new Uint32Array(this.#numbers.size)
    for (let at = 0; at < this.#count; at++) {
      const group = this.#groups[at] ?? 0
      ends[group] = (ends[group] ?? 0) + 1
    }
    for (let group = 1; group < ends.length; group++) ends[group] = (ends[group] ?? 0) + (ends[group - 1] ?? 0)
    const free = ends.slice()
    const offsets = new Float64Array(this.#count)
    for (let at = this.#count - 1; at >= 0; at--) {
      const group = this.#groups[at] ?? 0
      const place = (free[group] ?? 0) - 1
      free[group] = place
      offsets[place] = this.#offsets[at] ?? 0
    }
    return { ends, offsets }
  }

  #grow(): void {
    const offsets = new Float64Array(2 * this.#offsets.length)
    offsets.set(this.#offsets)
    this.#offsets = offsets
    const groups = new Uint32Array(2 * this.#groups.length)
    groups.set(this.#groups)
    this.#groups = groups
  }
}
