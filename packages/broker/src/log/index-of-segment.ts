/**
 * The index of one segment: the content of its file, read when needed and kept in the cache, and the entries since the
 * last checkpoint, in memory. If the file is missing or does not match the checkpoint, the segment is read instead, and the file
 * is created anew.
 */

import type { IndexCache } from './index-cache.ts'
import {
  appendIndexBlock,
  emptyIndexState,
  encodeIndexBlock,
  type IndexPlace,
  type IndexState,
  readIndexFile,
  syncIndex,
} from './index-file.ts'
import { type IndexEntry, SegmentIndex } from './segment-index.ts'
import { type AbortedRange, type OpenTransaction, TransactionScan } from './transaction-scan.ts'

type Visit = (bytes: Buffer, at: number, position: number) => boolean

export type SegmentIndexParts = {
  readonly place: IndexPlace
  readonly intervalBytes: number
  readonly cache: IndexCache
  /** The existing bytes of the segment, and their largest timestamp. */
  readonly bytes: number
  readonly maxTimestamp: number
  readonly state: IndexState | undefined
  /** The transactions that are open at the start of the segment. */
  readonly openBefore: () => Promise<readonly OpenTransaction[]>
  /** Visits the batches of a range of the segment, whose checksums are verified. */
  readonly scan: (range: { readonly from: number; readonly end: number }, visit: Visit) => Promise<void>
}

/** The block that the next checkpoint adds to the file. */
export type FrozenIndex = {
  readonly index: SegmentIndex
  readonly block: Buffer
  readonly covers: number
  readonly entries: number
  readonly aborted: number
}

export class IndexOfSegment {
  readonly #parts: SegmentIndexParts
  /** Undefined if there is no known file. */
  #saved: IndexState | undefined
  /** The range saved so far; a rebuilt file covers the same range. */
  #covered: number
  #bytes: number
  #tail: SegmentIndex
  #isSealed = false
  #loading: Promise<SegmentIndex> | undefined

  constructor(parts: SegmentIndexParts) {
    this.#parts = parts
    const { bytes, state, place } = parts
    const fits = state !== undefined && state.covers === bytes
    this.#saved = bytes === 0 ? emptyIndexState(place.identity) : fits ? state : undefined
    this.#covered = bytes
    this.#bytes = bytes
    this.#tail = new SegmentIndex(parts.intervalBytes, parts.maxTimestamp)
  }

  get state(): IndexState | undefined {
    return this.#saved
  }

  /** Must be called for every appended batch, in order. */
  add(batch: Buffer, place: { readonly position: number; readonly scan: TransactionScan }): void {
    this.#tail.add(batch, 0, place)
    this.#bytes = place.position + batch.length
  }

  /** Call it when no batch will be appended any more. */
  seal(open: readonly OpenTransaction[]): void {
    this.#tail.endAt({ open })
    this.#isSealed = true
  }

  /** Where to begin reading for an offset; undefined: at the start. */
  async entryForOffset(offset: number): Promise<IndexEntry | undefined> {
    return this.#tail.entryForOffset(offset) ?? (await this.#index()).entryForOffset(offset)
  }

  /** The same for the first batch with a record at or after the time. */
  async entryForTimestamp(timestamp: number): Promise<IndexEntry | undefined> {
    return this.#tail.entryForTimestamp(timestamp) ?? (await this.#index()).entryForTimestamp(timestamp)
  }

  /**
   * Adds the aborted transactions that end in this segment at or after `from`, and begin before `to`, to `found`.
   * @returns whether none that is aborted in a later segment can begin before `to`
   */
  async findAborted(from: number, to: number, found: AbortedRange[]): Promise<boolean> {
    for (;;) {
      const before = this.#covered
      const isEmpty = before === 0 || (this.#saved !== undefined && this.#saved.lastAborted < from)
      const index = isEmpty ? undefined : await this.#index()
      // Saved meanwhile: the entries of the tail are in the file now.
      if (this.#covered !== before) continue
      if (index?.findAborted(from, to, found)) return true
      if (this.#tail.findAborted(from, to, found)) return true
      if (!this.#isSealed && !this.#isSaved) return false
      return (this.#isSaved ? (this.#saved?.floor ?? 0) : this.#tail.floor) >= to
    }
  }

  /** The transactions that are open at the end of the segment, which must be sealed. */
  async openAtEnd(): Promise<readonly OpenTransaction[]> {
    if (this.#bytes === 0) return this.#parts.openBefore()
    return this.#isSaved ? (await this.#index()).open : this.#tail.open
  }

  /** Undefined if no entry was added. @param open the transactions that are open now; ignored once it is sealed */
  freeze(open: readonly OpenTransaction[]): FrozenIndex | undefined {
    if (this.#isSaved) return undefined
    if (!this.#isSealed) this.#tail.endAt({ open })
    const index = this.#tail
    const { entryCount: entries, abortedCount: aborted } = index
    return { index, block: encodeIndexBlock(index), covers: this.#bytes, entries, aborted }
  }

  /** Writes the frozen block, which is then no longer needed in memory. */
  async save(frozen: FrozenIndex): Promise<void> {
    const { place, cache } = this.#parts
    // Without a known file, the next reader of the file creates it, with all entries.
    if (this.#saved !== undefined) this.#saved = appendIndexBlock(place, this.#saved, frozen)
    this.#covered = frozen.covers
    this.#tail = this.#tail.after(frozen)
    cache.delete(this)
    if (this.#isSealed && this.#saved !== undefined) await syncIndex(place)
  }

  /** The content of the file does not match the segment: it is created anew. */
  async distrust(): Promise<void> {
    this.#parts.cache.delete(this)
    this.#saved = undefined
    await this.#index()
  }

  forget(): void {
    this.#parts.cache.delete(this)
  }

  get #isSaved(): boolean {
    return this.#covered === this.#bytes
  }

  /** The index without the tail. */
  async #index(): Promise<SegmentIndex> {
    if (this.#covered === 0) return new SegmentIndex(this.#parts.intervalBytes)
    const cached = this.#parts.cache.get(this)
    if (cached !== undefined) return cached
    this.#loading ??= this.#load().finally(() => {
      this.#loading = undefined
    })
    return this.#loading
  }

  async #load(): Promise<SegmentIndex> {
    const { place, intervalBytes, cache } = this.#parts
    for (let saved = this.#saved; saved !== undefined; saved = this.#saved) {
      const index = await readIndexFile(place, saved, intervalBytes)
      if (this.#saved !== saved) continue
      if (index === undefined) break
      cache.put(this, index)
      return index
    }
    return this.#rebuild()
  }

  async #rebuild(): Promise<SegmentIndex> {
    const { intervalBytes, cache } = this.#parts
    const scan = new TransactionScan(await this.#parts.openBefore())
    const index = new SegmentIndex(intervalBytes)
    // A checkpoint may save the tail meanwhile.
    for (let covered = 0; covered < this.#covered; ) {
      const end = this.#covered
      await this.#parts.scan({ from: covered, end }, (bytes, at, position) => {
        index.add(bytes, at, { position, scan })
        return false
      })
      covered = end
    }
    index.endAt({ open: scan.open() })
    this.#saved = this.#written(index)
    cache.put(this, index)
    return index
  }

  /** Undefined if the disk refuses it. That must not prevent reads: the index is then built once more. */
  #written(index: SegmentIndex): IndexState | undefined {
    const { place } = this.#parts
    const added = { block: encodeIndexBlock(index), covers: this.#covered, index }
    try {
      return appendIndexBlock(place, emptyIndexState(place.identity), added)
    } catch {
      return undefined
    }
  }
}
