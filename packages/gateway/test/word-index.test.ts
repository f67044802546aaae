import { memoryStore } from '@streampay/local-store/memory'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { foldedWords, longestWord } from '../src/views/folded-words.ts'
import { mostWords, WordIndex } from '../src/views/word-index.ts'

describe('a word', () => {
  it.each([
    ['Émilie', 'EMILIE'],
    ['É'.normalize('NFD'), 'é'.normalize('NFC')],
    ['Straße', 'STRASSE'],
    ['ｅｍｉｌｉｅ', 'emilie'],
    ['ﬁnn', 'FINN'],
    ['ΟΔΥΣΣΕΥΣ', 'οδυσσευς'],
    ['İstanbul', 'istanbul'],
    ['ISTANBUL', 'ıstanbul'],
    ["O'Brien", 'obrien'],
    ['O’Brien', 'OBRIEN'],
    ['Zoë', 'zoe\u200D'],
    ['한국', '한국'.normalize('NFD')],
  ])('of %j is that of %j', (one, other) => {
    expect(foldedWords(one)).toEqual(foldedWords(other))
  })

  it.each([
    ['Ada  King-Noel', ['ada', 'king', 'noel']],
    ['virtual-0001', ['virtual', '0001']],
    ['!!! ...', []],
    ['🦄🦄 $$', ['🦄🦄', '$$']],
    ['x'.repeat(500), ['x'.repeat(longestWord)]],
  ])('stands between separators: %j', (text, words) => {
    expect(foldedWords(text)).toEqual(words)
  })
})

type Changing = {
  readonly index: WordIndex
  /** Takes the place of what is known of the key. */
  readonly put: (key: string, texts: readonly string[]) => void
  /** What was put is found from here on. */
  readonly write: () => void
}

function changingIndex(): Changing {
  const store = memoryStore()
  const index = new WordIndex(store.table('words'), 0)
  const known = new Map<string, readonly string[]>()
  return {
    index,
    put: (key, texts) => {
      index.change(key, { before: known.get(key) ?? [], after: texts })
      known.set(key, texts)
    },
    write: () => {
      store.write((batch) => index.write(batch))
      index.settle()
    },
  }
}

function indexOf(people: Readonly<Record<string, readonly string[]>>): Changing {
  const changing = changingIndex()
  for (const [key, texts] of Object.entries(people)) changing.put(key, texts)
  changing.write()
  return changing
}

/** All pages of a search; the most that were asked for one page are `limit`. */
function allOf(index: WordIndex, text: string, limit: number): string[] {
  const keys: string[] = []
  let page = index.find(text, { limit })
  for (let pages = 0; ; pages++) {
    expect(page.keys.length).toBeLessThanOrEqual(limit)
    keys.push(...page.keys)
    if (page.next === undefined) return keys
    if (pages > 10_000) throw new Error('the pages do not end')
    page = index.find(text, { limit, after: page.next })
  }
}

describe('a search', () => {
  const { index } = indexOf({
    ada: ['Ada Lovelace', 'ada.king'],
    adam: ['Adam Smith', 'adam'],
    grace: ['Grace Hopper', 'amazing-grace'],
    zoe: ['Zoë Smith', 'zoe'],
    nameless: ['!!!', '…'],
  })

  it.each([
    ['ad', ['ada', 'adam']],
    ['ADA', ['ada', 'adam']],
    ['smi', ['adam', 'zoe']],
    ['zoe s', ['zoe']],
    ['s zoe', ['zoe']],
    ['hop gra', ['grace']],
    ['grace', ['grace']],
    ['da', []],
    ['ada smith', ['adam']],
    ['!!!', []],
    ['nobody', []],
  ])('for %j finds those with words that begin so', (text, keys) => {
    expect(index.find(text, { limit: 10 })).toEqual({ keys, next: undefined })
  })

  it.each(['', '  '])('for %j gives everybody, a page at a time', (text) => {
    expect(allOf(index, text, 2).toSorted()).toEqual(['ada', 'adam', 'grace', 'nameless', 'zoe'])
  })

  it('forgets words that are no longer there, and keys that are gone', () => {
    const { index, put, write } = indexOf({ a: ['Ada King'], b: ['Ada Queen'], '\0\u0001': ['odd'] })
    put('a', ['Ada Jack'])
    put('b', [])
    write()
    expect(['king', 'queen', 'jack', 'ada'].map((text) => allOf(index, text, 5))).toEqual([[], [], ['a'], ['a']])
    expect(allOf(index, 'odd', 5)).toEqual(['\0\u0001'])
    put('a', [])
    put('\0\u0001', [])
    write()
    expect(allOf(index, '', 5)).toEqual([])
  })

  it('refuses a place of another search', () => {
    const { next } = index.find('s', { limit: 1 })
    expect(() => index.find('g', { limit: 1, after: next })).toThrow(RangeError)
  })

  it('finds what going through all of them finds, once each, over pages of any size, while others change', () => {
    const word = fc.stringMatching(/^[abcé]{1,3}$/)
    const name = fc.array(word, { minLength: 0, maxLength: 4 }).map((words) => words.join(' '))
    const people = fc.dictionary(fc.stringMatching(/^[a-z]{1,4}$/), fc.tuple(name, name), { maxKeys: 30 })
    fc.assert(
      fc.property(people, name, fc.integer({ min: 1, max: 7 }), (known, text, limit) => {
        const { index: some } = indexOf(known)
        const wanted = foldedWords(text)
        const expected = Object.entries(known)
          .filter(([, texts]) => {
            const words = texts.flatMap(foldedWords)
            return wanted.every((each) => words.some((other) => other.startsWith(each)))
          })
          .map(([key]) => key)
        expect(allOf(some, text, limit).toSorted()).toEqual(expected.toSorted())
      }),
    )
  })
})

describe('the cost of a search', () => {
  const people = 20_000
  const { index: crowd, put, write } = changingIndex()
  for (let n = 0; n < people; n++) put(`user-${n}`, [`Anna Smith${n}`, `anna.${n}`])
  write()

  it('is bounded for one page: one that matches hardly anybody is short, and the next continues', () => {
    const page = crowd.find('anna smith19999', { limit: 20 })
    expect(page).toEqual({ keys: ['user-19999'], next: undefined })
    // Each word fits many; together they fit only the last one, so that all would have to be searched.
    for (let n = 0; n < 200; n++) put(`other-${n}`, [`Annb Jones${n}`])
    put('last', ['Annaz Annb'])
    write()
    const first = crowd.find('anna annb', { limit: 20 })
    expect(first.keys).toEqual([])
    expect(first.next).toBeDefined()
    expect(allOf(crowd, 'anna annb', 20)).toEqual(['last'])
  })

  it('goes by a word that few have, if there is one, also when a page continues', () => {
    for (let n = 0; n < 15; n++) put(`rare-${n}`, [`Annalise Q${n}`])
    write()
    const first = crowd.find('annalise q', { limit: 10 })
    expect(first.keys).toHaveLength(10)
    const { keys, next } = crowd.find('annalise q', { limit: 10, after: first.next })
    expect([keys.length, next]).toEqual([5, undefined])
    expect(new Set([...first.keys, ...keys]).size).toBe(15)
    // `anna` begins some 20,000 words, `q1` six.
    expect(crowd.find('anna q1', { limit: 20 })).toMatchObject({ keys: { length: 6 }, next: undefined })
  })

  it('does not grow with the number of words of a text or of a person', () => {
    const { index, ...many } = changingIndex()
    many.put('many', [Array.from({ length: 100 }, (_, n) => `word${String(n).padStart(3, '0')}`).join(' ')])
    many.write()
    expect(allOf(index, 'word000', 5)).toEqual(['many'])
    expect(allOf(index, `word${String(mostWords).padStart(3, '0')}`, 5)).toEqual([])
    const { keys, next } = crowd.find(Array.from({ length: 50 }, () => 'a').join(' '), { limit: 20 })
    expect([keys.length, next !== undefined]).toEqual([20, true])
  })
})
