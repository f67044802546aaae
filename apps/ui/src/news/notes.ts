import { ref, shallowRef } from 'vue'
import type { Entry } from '../api/types.ts'
import { type NewsWords, wordsOfStrangers } from './news-words.ts'

/** A piece of news while it is shown on the page. */
export type Note = NewsWords & { readonly id: number }

const shownMs = 8_000
/** The most notes at once; older ones are removed. */
const mostShown = 3

/**
 * The notes on the page. Each goes after a while, but not while a person holds them: has the pointer or the focus on one.
 * @param nameOf the name of a person, by id
 */
export function createNotes(nameOf: (id: string) => string) {
  const notes = shallowRef<readonly Note[]>([])
  const isHeld = ref(false)
  const timers = new Map<number, ReturnType<typeof setTimeout>>()
  /** Payments of several people whom I don't know yet, in one note. */
  let strangers: { readonly id: number; readonly entries: readonly Entry[] } | undefined
  let lastId = 0

  function show(words: NewsWords): number {
    lastId += 1
    put({ ...words, id: lastId })
    return lastId
  }

  /** Adds the payment of a stranger to the note of strangers, as long as that is shown. */
  function showStranger(entry: Entry, words: NewsWords): void {
    const told = notes.value.find(({ id }) => id === strangers?.id)
    if (told === undefined || strangers === undefined) {
      strangers = { id: show(words), entries: [entry] }
      return
    }
    strangers = { id: told.id, entries: [...strangers.entries, entry] }
    put({ ...told, ...wordsOfStrangers(strangers.entries, nameOf), to: '/statement' })
  }

  function put(note: Note): void {
    const others = notes.value.filter(({ id }) => id !== note.id)
    for (const { id } of others.slice(0, -(mostShown - 1))) stop(id)
    notes.value = [...others.slice(-(mostShown - 1)), note]
    expire(note.id)
  }

  function remove(id: number): void {
    stop(id)
    notes.value = notes.value.filter((note) => note.id !== id)
    // The hold ends with the note that had the pointer or focus: browsers need not report that the focus left it.
    if (notes.value.length === 0) isHeld.value = false
  }

  function hold(held: boolean): void {
    isHeld.value = held
    for (const { id } of notes.value)
      if (held) stop(id)
      else expire(id)
  }

  function expire(id: number): void {
    stop(id)
    if (!isHeld.value)
      timers.set(
        id,
        setTimeout(() => remove(id), shownMs),
      )
  }

  function stop(id: number): void {
    clearTimeout(timers.get(id))
    timers.delete(id)
  }

  return { notes, show, showStranger, remove, hold }
}
