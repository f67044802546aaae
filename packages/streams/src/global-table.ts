/**
 * The contents of a global table. Its topic may be one that anybody can write, and a table must not be stopped by what it
 * shows: a record that cannot be decoded, that its definition does not accept, or that lies in another partition than its
 * key's (so that its order among the key's other records is undefined), is passed over and counted.
 */
import { partitionForKey, type ReceivedRecord } from '@streampay/kafka'
import type { GlobalTableDefinition, ReadonlyTable } from './topology.ts'

export class GlobalTable implements ReadonlyTable<unknown> {
  readonly definition: GlobalTableDefinition
  readonly #partitionCount: number
  readonly #entries = new Map<string, unknown>()

  constructor(definition: GlobalTableDefinition, partitionCount: number) {
    this.definition = definition
    this.#partitionCount = partitionCount
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: string): unknown {
    return this.#entries.get(key)
  }

  apply(record: ReceivedRecord): 'applied' | 'passed-over' {
    if (record.key === null || partitionForKey(record.key, this.#partitionCount) !== record.partition)
      return 'passed-over'
    const key = record.key.toString('utf8')
    // Bytes that are not UTF-8 would turn into another key.
    if (!Buffer.from(key).equals(record.key)) return 'passed-over'
    let value: unknown
    try {
      value = record.value === null ? null : this.definition.value.decode(record.value)
    } catch {
      return 'passed-over'
    }
    if (this.definition.accepts?.({ key, value, headers: record.headers }) === false) return 'passed-over'
    if (record.value === null) this.#entries.delete(key)
    else this.#entries.set(key, value)
    return 'applied'
  }
}
