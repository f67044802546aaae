/**
 * Finds keys by the beginnings of the words of their texts, a page at a time. One row for each word of each key, in the order
 * of word, title and key (bytes of UTF-8): what begins with a text lies side by side, so a page is read from where it begins,
 * and nothing is sorted for a search.
 *
 * Costs: finding the first row takes O(log n), and then at most `mostRows` rows are looked at for one page, whatever is searched
 * for: a page that would need more ends early and says where to go on. A change takes O(log n) for each word.
 */
import { keyAfter, type LocalBatch, type LocalTable } from '@streampay/local-store'
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
/** Of the index, for one page. */
export const mostRows = 400
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
   * of the word that begins with the longest one of the text, then of their titles.
   * @throws RangeError if `after` is no place in the order of this search
   */
  find(text: string, { limit, after }: IndexQuery): FoundKeys {
    const wanted = [...new Set(foldedWords(text))].sort((a, b) => b.length - a.length).slice(0, mostWanted)
    if (wanted.length === 0 && text.trim() !== '') return { keys: [], next: undefined }
    const [leading = '', ...others] = wanted
    if (after !== undefined && !after.word.startsWith(leading)) throw new RangeError('The place is of another search')
    const begin = Buffer.concat([this.#prefix, Buffer.from(leading)])
    const range = {
      gte: after === undefined ? begin : keyAfter(this.#keyOf(after)),
      lt: Buffer.concat([begin, last]),
      limit: mostRows + 1,
    }
    const keys: string[] = []
    let looked = 0
    let reached: IndexPlace | undefined
    for (const { key, value } of this.#table.range(range)) {
      if (keys.length >= limit || looked >= mostRows) return { keys, next: reached }
      const entry = entryFrom(key.subarray(this.#prefix.length), value)
      const { words } = entry
      reached = entry
      looked++
      // A key stands once for each of its words: only the first that fits counts.
      const isFirst = words.find((word) => word.startsWith(leading)) === entry.word
      if (isFirst && others.every((other) => words.some((word) => word.startsWith(other)))) keys.push(entry.key)
    }
    return { keys, next: undefined }
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

/** Word and title are in the row's key, the rest is in its value. */
function entryFrom(rowKey: Buffer, row: Buffer): Entry {
  const wordEnd = rowKey.indexOf(0)
  const word = rowKey.toString('utf8', 0, wordEnd)
  const title = rowKey.toString('utf8', wordEnd + 1, rowKey.indexOf(0, wordEnd + 1))
  const text = row.toString('utf8')
  const wordsEnd = text.indexOf(beforeKey)
  return { word, title, key: text.slice(wordsEnd + 1), words: text.slice(0, wordsEnd).split(separator) }
}
