import { describe, expect, it } from 'vitest'
import { windowOf } from '../src/app/row-window.ts'

describe('the rows of a long list', () => {
  const list = Array.from({ length: 20_000 }, (_, n) => `row ${n}`)
  const keyOf = (item: string) => item
  const at = (anchor: string | undefined, of: readonly string[] = list) => windowOf(of, { anchor, size: 50, keyOf })

  it('are never more than fit the window', () => {
    expect(at(undefined)).toMatchObject({ start: 0, hasBefore: false, hasAfter: true })
    expect(at(undefined).rows).toHaveLength(50)
    expect(at('row 19980').rows).toHaveLength(20)
    expect(at('row 19980')).toMatchObject({ start: 19_980, hasBefore: true, hasAfter: false })
  })

  it('stay the same while others arrive on top', () => {
    const before = at('row 50').rows
    expect(at('row 50', ['new 1', 'new 2', ...list]).rows).toEqual(before)
  })

  it('begin at the top again once the first of them is gone', () => {
    expect(at('row 50', ['other']).rows).toEqual(['other'])
  })

  it.each([
    [49, 1, false],
    [50, 1, false],
    [51, 1, true],
  ])('of %i have a next window: %s', (length, _n, hasAfter) => {
    expect(at(undefined, list.slice(0, length)).hasAfter).toBe(hasAfter)
  })
})
