import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assignCoPartitioned, type Member } from '../src/group/co-partition-assignor.ts'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../src/group/consumer-protocol.ts'

const topics = ['commands', 'users']

function member(name: string, owned: readonly number[] = []): Member {
  return { name, memberId: name, topics, owned: owned.map((partition) => ({ topic: 'commands', partition })) }
}

/** Partition numbers by member; that all topics get the same ones is checked on the way. */
function shares(members: readonly Member[], count: number): Record<string, number[]> {
  const assigned = assignCoPartitioned(members, count)
  const result: Record<string, number[]> = {}
  for (const [id, partitions] of assigned) {
    const [first, ...others] = topics.map((name) =>
      partitions.filter(({ topic }) => topic === name).map(({ partition }) => partition),
    )
    for (const other of others) expect(other).toEqual(first)
    result[id] = first ?? []
  }
  return result
}

describe('the co-partition assignor', () => {
  it.each([
    ['one member gets everything', [member('a')], { a: [0, 1, 2, 3] }],
    ['two members get halves', [member('a'), member('b')], { a: [0, 1], b: [2, 3] }],
    ['the order of members does not matter', [member('b'), member('a')], { a: [0, 1], b: [2, 3] }],
    ['what a member has it keeps', [member('a', [1, 3]), member('b', [0, 2])], { a: [1, 3], b: [0, 2] }],
    ['a newcomer takes what is above the share', [member('a', [0, 1, 2, 3]), member('b')], { a: [0, 1], b: [2, 3] }],
    ['two that claim the same are told apart', [member('a', [0, 1]), member('b', [0, 1])], { a: [0, 1], b: [2, 3] }],
    ['a claim beyond the topic is ignored', [member('a', [9, 3]), member('b')], { a: [0, 3], b: [1, 2] }],
    ['three members share four', [member('a'), member('b'), member('c')], { a: [0, 3], b: [1], c: [2] }],
    [
      'members beyond the partitions wait',
      ['a', 'b', 'c', 'd', 'e'].map((name) => member(name)),
      { a: [0], b: [1], c: [2], d: [3], e: [] },
    ],
  ])('%s', (_what, members, expected) => {
    expect(shares(members, 4)).toEqual(expected)
  })

  it('gives every partition to exactly one member, evenly, whatever members say they had', () => {
    const anyMembers = fc.array(fc.array(fc.nat(30), { maxLength: 20 }), { minLength: 1, maxLength: 9 })
    fc.assert(
      fc.property(anyMembers, fc.integer({ min: 1, max: 24 }), (owned, count) => {
        const members = owned.map((numbers, index) => member(`m${index}`, numbers))
        const lists = Object.values(shares(members, count))
        expect(lists.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, number) => number))
        const sizes = lists.map(({ length }) => length)
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
      }),
    )
  })

  it('moves nothing when it is asked again', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 24 }), (size, count) => {
        const names = Array.from({ length: size }, (_, index) => `m${index}`)
        const first = shares(
          names.map((name) => member(name)),
          count,
        )
        const again = names.map((name) => member(name, first[name]))
        expect(shares(again, count)).toEqual(first)
      }),
    )
  })
})

describe('the consumer protocol', () => {
  it('says what it was told', () => {
    const owned = [
      { topic: 'commands', partition: 3 },
      { topic: 'users', partition: 1 },
    ]
    expect(decodeSubscription(encodeSubscription({ topics, owned }))).toEqual({ topics, owned })
    expect(decodeAssignment(encodeAssignment(owned))).toEqual(owned)
    expect(decodeAssignment(Buffer.alloc(0))).toEqual([])
  })

  it("reads a subscription of version 0, which doesn't tell what is owned", () => {
    const bytes = Buffer.from('0000' + '00000001' + '0005' + '7573657273' + 'ffffffff', 'hex')
    expect(decodeSubscription(bytes)).toEqual({ topics: ['users'], owned: [] })
  })
})
