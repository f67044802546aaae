/** Rows of a topic that are collected in memory until they are written: of several changes of a row, only the last one is kept. */
import type { LocalBatch, LocalTable } from '@streampay/local-store'

export class PendingRows {
  /** By key as latin1; null is a row to delete. */
  readonly #rows = new Map<string, Buffer | null>()
  #bytes = 0

  /** Their approximate memory. */
  get bytes(): number {
    return this.#bytes
  }

  /** @param bytes its approximate memory */
  set(key: Buffer, row: Buffer | null, bytes: number): void {
    this.#rows.set(key.toString('latin1'), row)
    this.#bytes += bytes
  }

  /** Drops the changes since the last write. False if there were none. */
  forget(key: Buffer): boolean {
    return this.#rows.delete(key.toString('latin1'))
  }

  write(batch: LocalBatch, table: LocalTable): void {
    for (const [key, row] of this.#rows) {
      if (row === null) batch.delete(table, Buffer.from(key, 'latin1'))
      else batch.put(table, Buffer.from(key, 'latin1'), row)
    }
  }

  /** The rows are written, or void. */
  settle(): void {
    this.#rows.clear()
    this.#bytes = 0
  }
}
