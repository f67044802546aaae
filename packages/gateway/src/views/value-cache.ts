/** The most recently used records of a topic, within a bound of bytes. */
import { LRUCache } from 'lru-cache'
import type { ViewRecord } from './view-record.ts'

/** An offset and its partition in one safe integer: enough for 2^43 records in each of 1,024 partitions. */
const mostPartitions = 1024
/** What a record costs besides its text, roughly. */
const overheadBytes = 200

export class ValueCache {
  /**
   * A Map in order of insertion would be enough to write, but not to run: V8 finds the first entry by walking over all that
   * were deleted before it since it last rehashed, so that dropping the oldest for each new one takes longer the more it holds.
   */
  readonly #records: LRUCache<number, ViewRecord>

  constructor(maxBytes: number) {
    this.#records = new LRUCache({ maxSize: maxBytes, sizeCalculation: bytesOf })
  }

  get(partition: number, offset: number): ViewRecord | undefined {
    return this.#records.get(slotOf(partition, offset))
  }

  /** One that alone is larger than the bound is not kept. */
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
