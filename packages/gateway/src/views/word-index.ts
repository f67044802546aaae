/**
 * Finds keys by the beginnings of the words of their texts, one page at a time. One row for each word of each key, in the order
 * of word, title and key (bytes of UTF-8): rows whose word begins with a text are neighbours, so a page is read from the first of
 * them, and a search sorts nothing.
 *
 * Costs: a search reads the rows of one of its words, its leading word: one that begins only few rows, if there is one, otherwise the
 * longest. Finding the first row takes O(log n); then one page reads at most `mostRows` rows, or the `limit` if that is more, for any
 * search: a page that would need more ends early and returns where to continue. A change takes O(log n) for each word.
 */
import { keyAfter, type LocalBatch, type LocalEntry, type LocalTable } from '@streampay/local-store'
import { folded, foldedWords, longestWord } from './folded-words.ts'
import { PendingRows } from './pending-rows.ts'
import { idOf, rowKinds } from './row-keys.ts'

/** A place in the order of the index. */
export type IndexPlace = { readonly word: string; readonly title: string; readonly key: string }

export type FoundKeys = {
  readonly keys: readonly string[]
  /** Where there may be more; undefined if there is none. A page may be short, or empty, and still have more behind it. */
  readonly next: IndexPlace | undefined
}

export type IndexQuery = {
  readonly limit: number
  /** Continues behind this place. */
  readonly after?: IndexPlace | undefined
}

type Entry = IndexPlace & { readonly words: readonly string[] }

/** How many words of one key can be found: the first ones in alphabetical order of all its words. */
export const mostWords = 16
/** The number of index rows that one page reads; the page's limit, if that is more. */
export const mostRows = 64
/** A word with at most `fewRows` rows becomes the leading word; only this number of the longest words is checked for that. */
const fewRows = 8
const mostProbed = 2
/** How many words of a searched text are used: the longest ones. */
const mostWanted = 16

/** The approximate memory of an unwritten row beside its texts. */
const overheadBytes = 250
/** Occurs in no word, because no control character does, and in no title. */
const separator = '\0'
const beforeKey = '\u0001'
/** Is no byte of UTF-8. */
const last = Buffer.of(0xff)

export class WordIndex {
  readonly #table: LocalTable
  readonly #prefix: Buffer
  readonly #rows = new PendingRows()

  /** @param number distinguishes the indexes of a topic */
  constructor(table: LocalTable, number: number) {
    this.#table = table
    this.#prefix = Buffer.of(rowKinds.word, number)
  }

  /** The memory of the unwritten rows. */
  get pendingBytes(): number {
    return this.#rows.bytes
  }

  /**
   * Sets the texts of a key, given its old texts; empty for a key that does not exist. The first text is its title: within a word, keys
   * are sorted by it. Searches find the key once the row is written.
   */
  change(
    key: string,
    { before, after }: { readonly before: readonly string[]; readonly after: readonly string[] },
  ): void {
    for (const entry of entriesOf(key, before)) this.#set(entry, null)
    for (const entry of entriesOf(key, after)) this.#set(entry, rowOf(entry))
  }

  write(batch: LocalBatch): void {
    this.#rows.write(batch, this.#table)
  }

  /** The changes are written, or void. */
  settle(): void {
    this.#rows.settle()
  }

  /**
   * Keys that have, for each word of the text, a word that begins with it; all keys for a blank text. They come in the order
   * of the word that begins with the leading word of the text, then of their titles.
   * @throws RangeError if `after` is no place in the order of this search
   */
  find(text: string, { limit, after }: IndexQuery): FoundKeys {
    const wanted = [...new Set(foldedWords(text))].sort((a, b) => b.length - a.length).slice(0, mostWanted)
    if (wanted.length === 0 && text.trim() !== '') return { keys: [], next: undefined }
    const most = Math.max(mostRows, limit)
    const leading = this.#leadingOf(wanted, after)
    const others = wanted.filter((word) => word !== leading)
    const bounds = this.#boundsOf(leading)
    const range = {
      ...bounds,
      gte: after === undefined ? bounds.gte : keyAfter(this.#keyOf(after)),
      limit: most + 1,
    }
    // Most rows lack one of these words; their bytes show it before they are decoded.
    const beginnings = others.map(beginningOf)
    const keys: string[] = []
    let looked = 0
    let reached: LocalEntry | undefined
    for (const row of this.#table.range(range)) {
      if (reached !== undefined && (keys.length >= limit || looked >= most)) {
        return { keys, next: this.#entryFrom(reached) }
      }
      reached = row
      looked++
      if (!beginnings.every((beginning) => hasWord(row.value, beginning))) continue
      const { key, word: own, words } = this.#entryFrom(row)
      // A key has a row for each of its words: only the first that fits counts.
      const isFirst = words.find((word) => word.startsWith(leading)) === own
      if (isFirst && others.every((other) => words.some((word) => word.startsWith(other)))) keys.push(key)
    }
    return { keys, next: undefined }
  }

  #leadingOf(wanted: readonly string[], after: IndexPlace | undefined): string {
    const possible = wanted.filter((word) => after === undefined || after.word.startsWith(word))
    const [longest] = possible
    if (longest === undefined && wanted.length > 0) throw new RangeError('The place is of another search')
    if (wanted.length < 2) return longest ?? ''
    return wanted.slice(0, mostProbed).find((word) => possible.includes(word) && this.#isRare(word)) ?? longest ?? ''
  }

  #isRare(word: string): boolean {
    let rows = 0
    for (const _row of this.#table.range({ ...this.#boundsOf(word), limit: fewRows + 1 })) rows++
    return rows <= fewRows
  }

  #boundsOf(word: string) {
    const gte = Buffer.concat([this.#prefix, Buffer.from(word)])
    return { gte, lt: Buffer.concat([gte, last]) }
  }

  #entryFrom({ key, value }: LocalEntry): Entry {
    return entryFrom(key.subarray(this.#prefix.length), value)
  }

  #set(entry: Entry, row: Buffer | null): void {
    this.#rows.set(this.#keyOf(entry), row, overheadBytes + (row?.length ?? 0))
  }

  #keyOf({ word, title, key }: IndexPlace): Buffer {
    return Buffer.concat([this.#prefix, Buffer.from(`${word}${separator}${title}${separator}`), idOf(key)])
  }
}

function entriesOf(key: string, texts: readonly string[]): Entry[] {
  if (texts.length === 0) return []
  const found = [...new Set(texts.flatMap(foldedWords))].sort().slice(0, mostWords)
  // A key without any word is still in the list of all.
  const words = found.length === 0 ? [''] : found
  const title = folded(texts[0] ?? '')
    .slice(0, longestWord)
    .toWellFormed()
    .replaceAll(separator, ' ')
  return words.map((word) => ({ word, title, key, words }))
}

function rowOf({ key, words }: Entry): Buffer {
  return Buffer.from(words.join(separator) + beforeKey + key)
}

/** The prefix of a word in a row: of its first word, and of another. */
type Beginning = { readonly first: Buffer; readonly other: Buffer }

function beginningOf(text: string): Beginning {
  return { first: Buffer.from(text), other: Buffer.from(separator + text) }
}

/** False if no word of the row begins so; if it is true, the match may also be in its key. */
function hasWord(row: Buffer, { first, other }: Beginning): boolean {
  return row.indexOf(first) === 0 || row.includes(other)
}

/** Word and title are in the row's key, the rest is in its value. */
function entryFrom(rowKey: Buffer, row: Buffer): Entry {
  const wordEnd = rowKey.indexOf(0)
  const word = rowKey.toString('utf8', 0, wordEnd)
  const title = rowKey.toString('utf8', wordEnd + 1, rowKey.indexOf(0, wordEnd + 1))
  const text = row.toString('utf8')
  const wordsEnd = text.indexOf(beforeKey)
  return { word, title, key: text.slice(wordsEnd + 1), words: text.slice(0, wordsEnd).split(separator) }
}
