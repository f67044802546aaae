/** Rows of a topic that are collected in memory until they are written: of what happens to one several times, the last. */
import type { LocalBatch, LocalTable } from '@streampay/local-store'

export class PendingRows {
  /** By key as latin1; null is a row to delete. */
  readonly #rows = new Map<string, Buffer | null>()
  #bytes = 0

  /** What they take in memory, roughly. */
  get bytes(): number {
    return this.#bytes
  }

  /** @param bytes what it takes in memory, roughly */
  set(key: Buffer, row: Buffer | null, bytes: number): void {
    this.#rows.set(key.toString('latin1'), row)
    this.#bytes += bytes
  }

  /** What was set since the last write is void. False if nothing was. */
  forget(key: Buffer): boolean {
    return this.#rows.delete(key.toString('latin1'))
  }

  write(batch: LocalBatch, table: LocalTable): void {
    for (const [key, row] of this.#rows) {
      if (row === null) batch.delete(table, Buffer.from(key, 'latin1'))
      else batch.put(table, Buffer.from(key, 'latin1'), row)
    }
  }

  /** They are written, or void. */
  settle(): void {
    this.#rows.clear()
    this.#bytes = 0
  }
}
