/** How a live list is kept: by which key, in which order, and at most how many items. */
export type MergeRules<Item> = {
  readonly keyOf: (item: Item) => string
  /** Negative if `left` stands before `right`. */
  readonly compare: (left: Item, right: Item) => number
  readonly maxItems: number
}

/**
 * Merges records into a list. Each key is in the list once: a record that arrives again (history after a reconnection,
 * for example) replaces the one there. The list is sorted and cut at its bound; the same list is returned if nothing
 * changed.
 */
export function merge<Item>(list: readonly Item[], arrived: readonly Item[], rules: MergeRules<Item>): readonly Item[] {
  if (arrived.length === 0) return list
  const byKey = new Map(list.map((item) => [rules.keyOf(item), item]))
  for (const item of arrived) byKey.set(rules.keyOf(item), item)
  return [...byKey.values()].sort(rules.compare).slice(0, rules.maxItems)
}

/** The list without the item of this key. */
export function without<Item>(list: readonly Item[], key: string, rules: MergeRules<Item>): readonly Item[] {
  return list.filter((item) => rules.keyOf(item) !== key)
}
