/** State that a member has already decides where a partition goes: whoever has none reads it from the log before it serves. */
import { describe, expect, it } from 'vitest'
import { assignCoPartitioned, type Member } from '../src/group/co-partition-assignor.ts'

type Had = { readonly owned?: readonly number[]; readonly followed?: readonly number[]; readonly replicas?: number }
type Shares = Record<string, { owned: number[]; followed: readonly number[] }>

function member(name: string, { owned = [], followed = [], replicas = 0 }: Had = {}): Member {
  const partitions = owned.map((partition) => ({ topic: 'commands', partition }))
  const standby = { replicas, partitions: followed }
  return { name, memberId: name, topics: ['commands'], owned: partitions, standby }
}

/** As members before standbys existed. */
const oldMember = (name: string): Member => ({ ...member(name), standby: undefined })

function shares(members: readonly Member[], count: number): Shares {
  const assignments = [...assignCoPartitioned(members, count)].map(([id, { partitions, standby }]) => [
    id,
    { owned: partitions.map(({ partition }) => partition), followed: standby?.partitions ?? [] },
  ])
  return Object.fromEntries(assignments)
}

describe('a free partition', () => {
  it.each<[string, Member[], Record<string, number[]>]>([
    [
      'that one member alone follows goes to it, before it is full with what others follow, too',
      [member('a', { followed: [0, 1] }), member('b', { followed: [0] })],
      { a: [1], b: [0] },
    ],
    [
      'that several follow goes to the one with the fewest',
      [member('a', { owned: [0], followed: [2, 3] }), member('b', { followed: [2, 3] })],
      { a: [0, 3], b: [1, 2] },
    ],
    [
      'that its owner alone follows is known to nobody else, and is kept',
      [member('a', { owned: [0, 1, 2, 3], followed: [0, 1] }), member('b')],
      { a: [0, 1], b: [2, 3] },
    ],
    [
      'is not followed by a member that knows of no standbys',
      [member('a', { owned: [0, 1, 2, 3] }), oldMember('b'), member('c', { followed: [0] })],
      { a: [1, 2], b: [3, 4], c: [0, 5] },
    ],
  ])('%s', (_, members, expected) => {
    const count = Object.values(expected).flat().length
    const owned = Object.entries(shares(members, count)).map(([name, share]) => [name, share.owned])
    expect(Object.fromEntries(owned)).toEqual(expected)
  })
})

describe('a standby', () => {
  it.each([
    ['one', { a: [2], b: [0], c: [1] }],
    ['another', { a: [1], b: [2], c: [0] }],
  ])('stays where its state is, in %s of two ways to divide them', (_, followed) => {
    const had = Object.entries(followed).map(([name, partitions], owned) =>
      member(name, { owned: [owned], followed: partitions, replicas: 1 }),
    )
    expect(shares(had, 3)).toEqual({
      a: { owned: [0], followed: followed.a },
      b: { owned: [1], followed: followed.b },
      c: { owned: [2], followed: followed.c },
    })
  })

  it('is whoever had the partition until now', () => {
    const members = [member('a', { replicas: 1 }), member('b'), member('c', { owned: [0, 1, 2, 3] })]
    expect(shares(members, 4)).toEqual({
      a: { owned: [2], followed: [0] },
      b: { owned: [3], followed: [1] },
      c: { owned: [0, 1], followed: [2, 3] },
    })
  })

  it('is the member that follows the fewest, if none has the state', () => {
    const members = [
      member('a', { owned: [2], replicas: 1 }),
      member('b', { owned: [3] }),
      member('c', { owned: [0, 1] }),
    ]
    expect(shares(members, 4)).toEqual({
      a: { owned: [2], followed: [0, 3] },
      b: { owned: [3], followed: [1] },
      c: { owned: [0, 1], followed: [2] },
    })
  })

  // The direct exchange would be one of nothing: the numbers of the standbys count, not the sizes alone.
  it('that moves to a third member is given in exchange for one that this member may have', () => {
    const had: readonly Had[] = [
      { owned: [13] },
      {},
      {},
      {},
      { owned: [7, 0, 14], followed: [1] },
      { followed: [0] },
      { owned: [12, 4, 0], followed: [17, 9], replicas: 4 },
      { owned: [0, 12], followed: [4, 1, 7, 9] },
      {},
    ]
    const members = had.map((one, index) => member(`m${index}`, one))
    const lists = Object.values(shares(members, 18))
    const followed = lists.flatMap((list) => list.followed).sort((a, b) => a - b)
    expect(followed).toEqual(Array.from({ length: 18 * 4 }, (_, at) => Math.floor(at / 4)))
    for (const list of lists) {
      expect(list.followed).toHaveLength(8)
      expect(new Set([...list.followed, ...list.owned]).size).toBe(list.followed.length + list.owned.length)
    }
  })
})
