import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../support/seeded-random.ts'
import { FaultBag } from './fault-bag.ts'
import type { FaultKind, Part, Scene } from './fault-kinds.ts'

const scene = {} as Scene

function kindOf(kind: string, touches: Part, possible = true): FaultKind {
  return { kind, touches, possible: () => possible, begin: async () => ({ healed: Promise.resolve() }) }
}

function bagOf(kinds: readonly FaultKind[], seed = 'seed') {
  return new FaultBag(kinds, new SeededRandom(seed))
}

describe('the shuffled faults', () => {
  const kinds = [kindOf('a', 'broker'), kindOf('b', 'broker'), kindOf('c', 'payments'), kindOf('d', 'network')]

  it('gives each kind once before any of them again, in an order that the seed repeats', () => {
    const draw = (seed: string) => {
      const bag = bagOf(kinds, seed)
      return Array.from({ length: 12 }, () => bag.draw(scene)?.kind)
    }
    const drawn = draw('one')
    for (const from of [0, 4, 8]) expect(drawn.slice(from, from + 4).sort()).toEqual(['a', 'b', 'c', 'd'])
    expect(draw('one')).toEqual(draw('one'))
    expect(['two', 'three', 'four'].map(draw)).not.toEqual([draw('one'), draw('one'), draw('one')])
  })

  it('gives none of a part that is excluded', () => {
    expect(bagOf(kinds.slice(0, 2)).draw(scene, new Set(['broker']))).toBeUndefined()
    const bag = bagOf(kinds)
    for (let round = 0; round < 50; round++) {
      const first = bag.draw(scene)
      const parts = new Set(first === undefined ? [] : [first.touches])
      expect(parts).not.toContain(bag.draw(scene, parts)?.touches)
    }
  })

  it('skips a fault as long as it is not possible', () => {
    const bag = bagOf([kindOf('a', 'broker', false), kindOf('b', 'network')])
    expect(Array.from({ length: 4 }, () => bag.draw(scene)?.kind)).toEqual(['b', 'b', 'b', 'b'])
    expect(bagOf([kindOf('a', 'broker', false)]).draw(scene)).toBeUndefined()
  })
})
