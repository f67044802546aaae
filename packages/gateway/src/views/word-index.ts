/**
 * Finds keys by the beginnings of the words of their texts, a page at a time. One row for each word of each key, in the order
 * of word, title and key (bytes of UTF-8): what begins with a text lies side by side, so a page is read from where it begins,
 * and nothing is sorted for a search.
 *
 * Costs: a search goes through the rows of one of its words, its leading word: one that begins only few rows, if there is one, else the
 * longest. Finding the first row takes O(log n), and then at most `mostRows` rows, or the `limit` if that is more, are looked at for one page,
 * whatever is searched for: a page that would need more ends early and says where to go on. A change takes O(log n) for each word.
 */
import { keyAfter, type LocalBatch, type LocalEntry, type LocalTable } from '@streampay/local-store'
import { folded, foldedWords, longestWord } from './folded-words.ts'
import { PendingRows } from './pending-rows.ts'
import { idOf, rowKinds } from './row-keys.ts'

/** A place in the order of the index. */
export type IndexPlace = { readonly word: string; readonly title: string; readonly key: string }

export type FoundKeys = {
  readonly keys: readonly string[]
  /** Where more may be; undefined if there is none. A page may be short, or empty, and still have more behind it. */
  readonly next: IndexPlace | undefined
}

export type IndexQuery = {
  readonly limit: number
  /** Goes on behind this place. */
  readonly after?: IndexPlace | undefined
}

type Entry = IndexPlace & { readonly words: readonly string[] }

/** Words of one key that are found, the first ones in alphabetical order of all its words. */
export const mostWords = 16
/** Of the index, for one page; as many as it is to have, if that is more. */
export const mostRows = 64
/** So few rows are gone through at once; and of so many words, the longest ones, it is asked whether they have no more. */
const fewRows = 8
const mostProbed = 2
/** Words of a text that are looked for, the longest ones. */
const mostWanted = 16

/** What a row that is not written yet takes in memory besides its texts, roughly. */
const overheadBytes = 250
/** In no word, as no control character is, and in no title. */
const separator = '\0'
const beforeKey = '\u0001'
/** No byte of UTF-8. */
const last = Buffer.of(0xff)

export class WordIndex {
  readonly #table: LocalTable
  readonly #prefix: Buffer
  readonly #rows = new PendingRows()

  /** @param number tells the indexes of a topic apart */
  constructor(table: LocalTable, number: number) {
    this.#table = table
    this.#prefix = Buffer.of(rowKinds.word, number)
  }

  /** Of what is not written yet. */
  get pendingBytes(): number {
    return this.#rows.bytes
  }

  /**
   * The texts of a key, and those that it had; none for one that is not there. The first text is its title: within a word, keys
   * are in order of it. Searches find it once it is written.
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

  /** What was changed is written, or void. */
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
    // Most rows lack one of these, which their bytes tell before anything is made of them.
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
      // A key stands once for each of its words: only the first that fits counts.
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
  // Without any word it is still in the list of all.
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

/** How a word of a row begins: as its first one, and as another. */
type Beginning = { readonly first: Buffer; readonly other: Buffer }

function beginningOf(text: string): Beginning {
  return { first: Buffer.from(text), other: Buffer.from(separator + text) }
}

/** False if no word of the row begins so; true may also be about its key. */
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
