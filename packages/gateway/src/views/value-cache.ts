/** The most recently used records of a topic, within a bound of bytes. */
import type { ViewRecord } from './view-record.ts'

/** An offset and its partition in one safe integer: enough for 2^43 records in each of 1,024 partitions. */
const mostPartitions = 1024
/** What a record costs besides its text, roughly. */
const overheadBytes = 200

export class ValueCache {
  readonly #records = new Map<number, ViewRecord>()
  readonly #maxBytes: number
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get(partition: number, offset: number): ViewRecord | undefined {
    const slot = slotOf(partition, offset)
    const record = this.#records.get(slot)
    if (record === undefined) return undefined
    // A Map keeps the order of insertion, so that the first is always the one unused for longest.
    this.#records.delete(slot)
    this.#records.set(slot, record)
    return record
  }

  put(record: ViewRecord): void {
    const slot = slotOf(record.partition, record.offset)
    if (this.#records.has(slot)) return
    this.#records.set(slot, record)
    this.#bytes += bytesOf(record)
    for (const [oldest, dropped] of this.#records) {
      if (this.#bytes <= this.#maxBytes) break
      this.#records.delete(oldest)
      this.#bytes -= bytesOf(dropped)
    }
  }

  clear(): void {
    this.#records.clear()
    this.#bytes = 0
  }
}

function slotOf(partition: number, offset: number): number {
  return offset * mostPartitions + partition
}

function bytesOf(record: ViewRecord): number {
  return overheadBytes + record.key.length + (record.value?.length ?? 0)
}
