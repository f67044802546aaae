import { expect, it } from 'vitest'
import { type Coverage, neverDone } from './coverage.ts'

const full: Coverage = { faults: 1, acknowledged: 1, refused: 1, repeats: 1, streamEvents: 1, reconnects: 1 }

it('accepts a run in which everything happened', () => {
  expect(neverDone(full)).toEqual([])
})

it.each(Object.keys(full) as (keyof Coverage)[])('names %s that never happened', (name) => {
  expect(neverDone({ ...full, [name]: 0 })).toHaveLength(1)
})

it('requires neither faults nor reconnects in a run without faults', () => {
  expect(neverDone({ ...full, faults: undefined, reconnects: 0 })).toEqual([])
})
