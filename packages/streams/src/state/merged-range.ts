/** Ranges over entries in memory and entries on the disk, as if they were one map. */

type Keyed = { readonly key: Buffer }
type Bounds = { readonly gte?: Buffer; readonly lt?: Buffer; readonly reverse: boolean }

/**
 * In key order. If a key is in both, only the newer entry is returned.
 * @param newer in any order
 * @param older within the bounds, in order
 */
export function* mergedRange<E extends Keyed>(newer: Iterable<E>, older: Iterable<E>, bounds: Bounds): Generator<E> {
  const direction = bounds.reverse ? -1 : 1
  const waiting = [...newer].filter(({ key }) => isWithin(key, bounds))
  waiting.sort((a, b) => direction * Buffer.compare(a.key, b.key))
  const replaced = new Set(waiting.map(({ key }) => key.toString('latin1')))
  let next = waiting.shift()
  for (const entry of older) {
    if (replaced.has(entry.key.toString('latin1'))) continue
    for (; next !== undefined && direction * Buffer.compare(next.key, entry.key) < 0; next = waiting.shift()) yield next
    yield entry
  }
  for (; next !== undefined; next = waiting.shift()) yield next
}

function isWithin(key: Buffer, { gte, lt }: Bounds): boolean {
  if (gte !== undefined && Buffer.compare(key, gte) < 0) return false
  return lt === undefined || Buffer.compare(key, lt) < 0
}
