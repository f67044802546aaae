/** The index of the last of the ascending numbers that is at most `limit`, or -1. */
export function lastAtMost(ascending: ArrayLike<number>, limit: number, count = ascending.length): number {
  let low = 0
  let high = count
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((ascending[middle] ?? 0) <= limit) low = middle + 1
    else high = middle
  }
  return low - 1
}
