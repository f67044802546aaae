import { LRUCache } from 'lru-cache'

/**
 * A map of at most so many entries: a further one removes the one that was used longest ago. It has a limit by size, because LRUCache then
 * allocates as it is used; with a limit by number it allocates all at once, which is most of the work of beginning an audit.
 */
export function boundedMap<Key extends string, Value extends {}>(mostEntries: number): LRUCache<Key, Value> {
  return new LRUCache({ maxSize: mostEntries, sizeCalculation: () => 1 })
}
