/** The arithmetic of measurements: medians, percentiles, and ratios of what was measured in the same round. */

export type Spread = { readonly median: number; readonly min: number; readonly max: number }

/** Half of the values are at most this; of an even number of them, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** The nearest-rank percentile: the smallest value that at least this share (0 to 1) of all values does not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const rank = Math.max(1, Math.ceil(share * sorted.length))
  return sorted[rank - 1] ?? Number.NaN
}

/** @throws RangeError for no values, or one that is no number: their median would look like a valid figure. */
export function spreadOf(values: readonly number[]): Spread {
  if (values.length === 0 || values.some((value) => !Number.isFinite(value))) {
    throw new RangeError(`There is no median of [${values.join(', ')}]`)
  }
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) }
}

/**
 * The ratio of each round, since a disturbance of a round affects both sides of it.
 * @throws RangeError if the two were not measured in the same rounds
 */
export function ratios(of: readonly number[], to: readonly number[]): Spread {
  if (of.length !== to.length) throw new RangeError(`${of.length} rounds can't be compared with ${to.length}`)
  return spreadOf(of.map((value, round) => value / (to[round] ?? Number.NaN)))
}
