import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { merge, without } from '../src/live/merge.ts'

type Item = { readonly id: string; readonly at: number; readonly text: string }
const rules = { keyOf: ({ id }: Item) => id, compare: (left: Item, right: Item) => right.at - left.at, maxItems: 3 }
const item = (id: string, at: number, text = ''): Item => ({ id, at, text })

describe('merging what arrives', () => {
  it('shows history that comes again after a reconnection once', () => {
    const history = [item('a', 1), item('b', 2)]
    expect(merge(merge([], history, rules), history, rules)).toEqual([item('b', 2), item('a', 1)])
  })

  it('replaces what was there under the same key', () => {
    expect(merge([item('a', 1, 'open')], [item('a', 1, 'paid')], rules)).toEqual([item('a', 1, 'paid')])
  })

  it('cuts the list at its bound, oldest first', () => {
    const list = merge([], [item('a', 1), item('b', 2), item('c', 3), item('d', 4)], rules)
    expect(list.map(({ id }) => id)).toEqual(['d', 'c', 'b'])
  })

  it('returns the same list when nothing arrived', () => {
    const list = [item('a', 1)]
    expect(merge(list, [], rules)).toBe(list)
  })

  it('removes the items that left the view', () => {
    expect(without([item('a', 1), item('b', 2)], 'a', rules)).toEqual([item('b', 2)])
  })

  it('gives the same list for any division into batches', () => {
    const items = fc.array(fc.record({ id: fc.constantFrom('a', 'b', 'c'), at: fc.nat(9), text: fc.string() }), {
      maxLength: 12,
    })
    const unbounded = { ...rules, maxItems: 100, compare: (left: Item, right: Item) => (left.id < right.id ? -1 : 1) }
    fc.assert(
      fc.property(items, fc.nat(12), (arrived, cut) => {
        const inTwo = merge(merge([], arrived.slice(0, cut), unbounded), arrived.slice(cut), unbounded)
        expect(inTwo).toEqual(merge([], arrived, unbounded))
      }),
    )
  })
})
