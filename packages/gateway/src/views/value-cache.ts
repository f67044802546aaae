/** The most recently used records of a topic, up to a number of bytes. */
import { LRUCache } from 'lru-cache'
import type { ViewRecord } from './view-record.ts'

/** An offset and its partition in one safe integer: enough for 2^43 records in each of 1,024 partitions. */
const mostPartitions = 1024
/** The approximate memory of a record beside its text. */
const overheadBytes = 200

export class ValueCache {
  /**
   * A Map in order of insertion would be simpler, but slower: V8 finds the first entry by walking over all entries that
   * were deleted before it since the last rehash, so that dropping the oldest for each new one takes longer the more entries it has.
   */
  readonly #records: LRUCache<number, ViewRecord>

  constructor(maxBytes: number) {
    this.#records = new LRUCache({ maxSize: maxBytes, sizeCalculation: bytesOf })
  }

  get(partition: number, offset: number): ViewRecord | undefined {
    return this.#records.get(slotOf(partition, offset))
  }

  /** A record that is larger than the limit is not kept. */
  put(record: ViewRecord): void {
    this.#records.set(slotOf(record.partition, record.offset), record)
  }

  clear(): void {
    this.#records.clear()
  }
}

function slotOf(partition: number, offset: number): number {
  return offset * mostPartitions + partition
}

function bytesOf(record: ViewRecord): number {
  return overheadBytes + record.key.length + (record.value?.length ?? 0)
}
