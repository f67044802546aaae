import { expect, it } from 'vitest'
import type { UserPage } from '../src/api/types.ts'
import { firstFound } from '../src/stores/first-found.ts'

const ann = { id: 'ann', name: 'Ann', username: 'ann' }

async function search(pages: readonly UserPage[]): Promise<{ readonly found: UserPage; readonly asked: unknown[] }> {
  const asked: unknown[] = []
  const found = await firstFound((cursor) => {
    asked.push(cursor)
    const page = pages[asked.length - 1]
    return page === undefined ? Promise.reject(new Error('there is no such page')) : Promise.resolve(page)
  })
  return { found, asked }
}

it('goes on from empty pages to the first with a person', async () => {
  const pages = [
    { items: [], next: 'a' },
    { items: [], next: 'b' },
    { items: [ann], next: 'c' },
  ]
  expect(await search(pages)).toEqual({ found: pages[2], asked: [undefined, 'a', 'b'] })
})

it('ends at the last page', async () => {
  expect(await search([{ items: [] }])).toEqual({ found: { items: [] }, asked: [undefined] })
  const last = [{ items: [], next: 'a' }, { items: [] }]
  expect(await search(last)).toEqual({ found: { items: [] }, asked: [undefined, 'a'] })
})

it('ends after ten pages, and says that there may be more', async () => {
  const { found, asked } = await search(Array.from({ length: 20 }, (_, n) => ({ items: [], next: `${n}` })))
  expect([asked.length, found]).toEqual([10, { items: [], next: '9' }])
})
