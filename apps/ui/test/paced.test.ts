import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { effectScope, ref, shallowRef } from 'vue'
import { usePaced } from '../src/live/use-paced.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function setUp(first: readonly string[] = []) {
  const source = shallowRef(first)
  const isHeld = ref(false)
  const scope = effectScope()
  const paced = scope.run(() => usePaced({ source, isHeld, keyOf: (item) => item, everyMs: 1_000 }))
  if (paced === undefined) throw new Error('the scope is not active')
  const add = (item: string) => {
    source.value = [item, ...source.value].slice(0, 4)
  }
  return {
    source,
    isHeld,
    scope,
    add,
    shown: () => paced.shown.value.join(''),
    waiting: () => paced.waiting.value,
    arrived: () => [...paced.arrived.value],
  }
}

describe('a list at a pace that can be read', () => {
  it('shows history at once, and then no more than one change a second', () => {
    const { source, add, shown } = setUp()
    source.value = ['a']
    expect(shown()).toBe('a')
    add('b')
    add('c')
    expect(shown()).toBe('a')
    vi.advanceTimersByTime(999)
    expect(shown()).toBe('a')
    vi.advanceTimersByTime(1)
    expect(shown()).toBe('cba')
  })

  it('shows a change after a quiet time at once', () => {
    const { add, shown } = setUp(['a'])
    add('b')
    expect(shown()).toBe('ba')
  })

  it('does not change while it is held, counts what waits, and shows it afterwards', () => {
    const { add, isHeld, shown, waiting } = setUp(['a'])
    isHeld.value = true
    for (const item of ['b', 'c', 'd']) add(item)
    vi.advanceTimersByTime(60_000)
    expect([shown(), waiting()]).toEqual(['a', 3])
    isHeld.value = false
    expect([shown(), waiting()]).toEqual(['dcba', 0])
  })

  it('tells which came with a change, and none of the history', () => {
    const { add, arrived } = setUp(['a'])
    expect(arrived()).toEqual([])
    add('b')
    expect(arrived()).toEqual(['b'])
    for (const item of ['c', 'd', 'e']) add(item)
    vi.advanceTimersByTime(1_000)
    expect(arrived()).toEqual(['e', 'd', 'c'])
  })

  it('is filled at once after a reset, held or not', () => {
    const { source, isHeld, shown } = setUp(['a'])
    source.value = []
    vi.advanceTimersByTime(1_000)
    expect(shown()).toBe('')
    isHeld.value = true
    source.value = ['b']
    expect(shown()).toBe('b')
  })

  it('leaves no timer behind', () => {
    const { add, scope } = setUp(['a'])
    add('b')
    scope.stop()
    expect(vi.getTimerCount()).toBe(0)
  })
})
