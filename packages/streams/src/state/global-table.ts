/**
 * The contents of a global table. Every client may be allowed to write its topic, and a record must not stop the
 * table. So three kinds of records are skipped and counted: those that cannot be decoded, those that the definition does not accept,
 * and those in another partition than their key's (so that their order among the key's other records is undefined).
 */
import { partitionForKey, type ReceivedRecord } from '@streampay/kafka'
import type { LocalBatch } from '@streampay/local-store'
import type { GlobalTableDefinition, ReadonlyTable } from '../topology/topology.ts'
import type { KeptTable } from './kept-table.ts'
import { fromDisk } from './state-store.ts'
import type { CachePart } from './value-cache.ts'

export type GlobalTableOptions = {
  readonly definition: GlobalTableDefinition
  readonly partitionCount: number
  readonly table: KeptTable
  readonly cache: CachePart
}

export class GlobalTable implements ReadonlyTable<unknown> {
  readonly definition: GlobalTableDefinition
  readonly #options: GlobalTableOptions

  constructor(options: GlobalTableOptions) {
    this.definition = options.definition
    this.#options = options
  }

  get size(): number {
    return this.#options.table.count
  }

  get(key: string): unknown {
    const { table, cache } = this.#options
    const id = cache.idOf(key)
    const cached = cache.get(id)
    if (cached !== undefined) return cached.value
    const bytes = Buffer.from(key)
    if (bytes.length === 0) return undefined
    return fromDisk(table.name, () => {
      const entry = table.get(bytes)
      if (entry === undefined) return undefined
      const value = this.definition.value.decode(entry.value)
      cache.set(id, { value, timestamp: entry.timestamp }, entry.value.length)
      return value
    })
  }

  /** Applies a record within a batch of the local store; `get` must not be called before the batch is written. */
  apply(batch: LocalBatch, record: ReceivedRecord): 'applied' | 'passed-over' {
    const { table, cache, partitionCount } = this.#options
    if (record.key === null || partitionForKey(record.key, partitionCount) !== record.partition) return 'passed-over'
    const key = record.key.toString('utf8')
    // Bytes that are not UTF-8 would become another key.
    if (key === '' || !Buffer.from(key).equals(record.key)) return 'passed-over'
    let value: unknown
    try {
      value = record.value === null ? null : this.definition.value.decode(record.value)
    } catch {
      return 'passed-over'
    }
    if (this.definition.accepts?.({ key, value, headers: record.headers }) === false) return 'passed-over'
    // Only values that `get` reads are cached: otherwise a topic that is read from its start would replace the whole cache.
    cache.delete(cache.idOf(key))
    if (record.value === null) table.delete(batch, record.key)
    else table.put(batch, { key: record.key, value: record.value, timestamp: 0 })
    return 'applied'
  }

  clear(batch: LocalBatch): void {
    this.#options.cache.clear()
    this.#options.table.clear(batch)
  }
}
