import type { Entry } from '@streampay/domain'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { NewsWords } from '../src/news/news-words.ts'
import { createNotes } from '../src/news/notes.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const words = (title: string): NewsWords => ({ title, detail: undefined, icon: 'i', to: `/${title}` })
const titles = ({ notes }: ReturnType<typeof createNotes>) =>
  notes.value.map(({ title }) => title.replaceAll(/[\u2068\u2069]/g, ''))
const entryOf = (counterparty: string, amount: number) => ({ counterparty, amount }) as Entry

it('goes after a while, or when newer ones take its place', () => {
  const notes = createNotes((id) => id)
  for (const title of ['a', 'b', 'c', 'd']) notes.show(words(title))
  expect(titles(notes)).toEqual(['b', 'c', 'd'])
  vi.advanceTimersByTime(7_999)
  notes.show(words('e'))
  vi.advanceTimersByTime(1)
  expect(titles(notes)).toEqual(['e'])
  vi.advanceTimersByTime(8_000)
  expect(titles(notes)).toEqual([])
})

it('stays as long as a person holds it', () => {
  const notes = createNotes((id) => id)
  notes.show(words('a'))
  notes.hold(true)
  vi.advanceTimersByTime(60_000)
  notes.show(words('b'))
  vi.advanceTimersByTime(60_000)
  expect(titles(notes)).toEqual(['a', 'b'])
  notes.hold(false)
  vi.advanceTimersByTime(8_000)
  expect(titles(notes)).toEqual([])
})

it('is not held by a note that was closed', () => {
  const notes = createNotes((id) => id)
  const id = notes.show(words('a'))
  notes.hold(true)
  notes.remove(id)
  notes.show(words('b'))
  vi.advanceTimersByTime(8_000)
  expect(titles(notes)).toEqual([])
})

it('takes in the payments of strangers for as long as it is there', () => {
  const notes = createNotes((id) => id)
  notes.showStranger(entryOf('x', 100), words('x paid'))
  notes.showStranger(entryOf('y', 200), words('y paid'))
  expect(titles(notes)).toEqual(['x and 1 other paid you $3.00'])
  expect(notes.notes.value[0]?.to).toBe('/statement')
  vi.advanceTimersByTime(8_000)
  notes.showStranger(entryOf('z', 300), words('z paid'))
  expect(titles(notes)).toEqual(['z paid'])
})
