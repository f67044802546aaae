import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assignCoPartitioned, type Member } from '../src/group/co-partition-assignor.ts'
import {
  assignedPartitions,
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../src/group/consumer-protocol.ts'

const topics = ['commands', 'users']

type Had = { readonly owned?: readonly number[]; readonly followed?: readonly number[]; readonly replicas?: number }

function member(name: string, { owned = [], followed = [], replicas = 0 }: Had = {}): Member {
  const partitions = owned.map((partition) => ({ topic: 'commands', partition }))
  return { name, memberId: name, topics, owned: partitions, standby: { replicas, partitions: followed } }
}

/** As members before standbys existed. */
function oldMember(name: string, owned: readonly number[] = []): Member {
  return { ...member(name, { owned }), standby: undefined }
}

type Shares = Record<string, { owned: number[]; followed: readonly number[] }>

/** Partition numbers by member; that all topics get the same ones is checked on the way. */
function shares(members: readonly Member[], count: number): Shares {
  const result: Shares = {}
  for (const [id, { partitions, standby }] of assignCoPartitioned(members, count)) {
    const [first, ...others] = topics.map((name) =>
      partitions.filter(({ topic }) => topic === name).map(({ partition }) => partition),
    )
    for (const other of others) expect(other).toEqual(first)
    result[id] = { owned: first ?? [], followed: standby?.partitions ?? [] }
  }
  return result
}

function owners(members: readonly Member[], count: number): Record<string, number[]> {
  return Object.fromEntries(Object.entries(shares(members, count)).map(([id, { owned }]) => [id, owned]))
}

function spread(sizes: readonly number[]): number {
  return Math.max(...sizes) - Math.min(...sizes)
}

describe('the co-partition assignor', () => {
  it.each([
    ['one member gets everything', [member('a')], { a: [0, 1, 2, 3] }],
    ['two members get halves', [member('a'), member('b')], { a: [0, 1], b: [2, 3] }],
    ['the order of members does not matter', [member('b'), member('a')], { a: [0, 1], b: [2, 3] }],
    [
      'what a member has it keeps',
      [member('a', { owned: [1, 3] }), member('b', { owned: [0, 2] })],
      { a: [1, 3], b: [0, 2] },
    ],
    [
      'a newcomer takes what is above the share',
      [member('a', { owned: [0, 1, 2, 3] }), member('b')],
      { a: [0, 1], b: [2, 3] },
    ],
    [
      'two that claim the same are told apart',
      [member('a', { owned: [0, 1] }), member('b', { owned: [0, 1] })],
      { a: [0, 1], b: [2, 3] },
    ],
    ['a claim beyond the topic is ignored', [member('a', { owned: [9, 3] }), member('b')], { a: [0, 3], b: [1, 2] }],
    ['three members share four', [member('a'), member('b'), member('c')], { a: [0, 3], b: [1], c: [2] }],
    [
      'members beyond the partitions wait',
      ['a', 'b', 'c', 'd', 'e'].map((name) => member(name)),
      { a: [0], b: [1], c: [2], d: [3], e: [] },
    ],
    [
      'what others know is given up before what only its owner knows',
      [member('a', { owned: [0, 1, 2, 3] }), member('b', { followed: [0, 1] })],
      { a: [2, 3], b: [0, 1] },
    ],
    [
      'the standby of a free partition is preferred',
      [member('a', { owned: [0, 1], followed: [5] }), member('b', { owned: [2, 3], followed: [4] })],
      { a: [0, 1, 5], b: [2, 3, 4] },
    ],
    [
      'an owner comes before a standby',
      [member('a', { followed: [2, 3] }), member('b', { owned: [2, 3] })],
      { a: [0, 1], b: [2, 3] },
    ],
    [
      'a standby that is full already leaves it to another',
      [member('a', { owned: [0, 1], followed: [2, 3] }), member('b'), member('c', { followed: [3] })],
      { a: [0, 1], b: [2], c: [3] },
    ],
    [
      'members of before the standbys are served as they were',
      [oldMember('a', [1, 3]), oldMember('b', [0])],
      { a: [1, 3], b: [0, 2] },
    ],
  ])('%s', (_what, members, expected) => {
    expect(owners(members, Object.values(expected).flat().length)).toEqual(expected)
  })

  it.each<[string, Member[], Shares]>([
    [
      'two members follow each other',
      [member('a', { replicas: 1 }), member('b', { replicas: 1 })],
      { a: { owned: [0, 1], followed: [2, 3] }, b: { owned: [2, 3], followed: [0, 1] } },
    ],
    ['one member has no other to follow', [member('a', { replicas: 2 })], { a: { owned: [0, 1, 2, 3], followed: [] } }],
    [
      'there are no more standbys than other members',
      [member('a', { replicas: 5 }), member('b')],
      { a: { owned: [0, 1], followed: [2, 3] }, b: { owned: [2, 3], followed: [0, 1] } },
    ],
    [
      'the partitions of one owner are followed by different members',
      [member('a', { replicas: 1 }), member('b'), member('c')],
      {
        a: { owned: [0, 1], followed: [2, 4] },
        b: { owned: [2, 3], followed: [0, 5] },
        c: { owned: [4, 5], followed: [1, 3] },
      },
    ],
    [
      'a member that follows a partition, or had it, continues to follow it',
      [
        member('a', { owned: [0, 1, 2, 3], replicas: 1 }),
        member('b', { followed: [0, 1], replicas: 1 }),
        member('c', { followed: [3], replicas: 1 }),
      ],
      { a: { owned: [0, 2], followed: [1, 3] }, b: { owned: [1], followed: [0] }, c: { owned: [3], followed: [2] } },
    ],
    [
      'a member that knows of no standbys follows nothing, and is followed',
      [oldMember('a', [0, 1]), member('b', { replicas: 1 })],
      { a: { owned: [0, 1], followed: [] }, b: { owned: [2, 3], followed: [0, 1] } },
    ],
  ])('as standbys: %s', (_what, members, expected) => {
    expect(shares(members, Object.values(expected).flatMap(({ owned }) => owned).length)).toEqual(expected)
  })

  it('gives the whole share of a member that is gone to its standbys', () => {
    const sizes = fc.record({ members: fc.integer({ min: 2, max: 6 }), each: fc.integer({ min: 1, max: 4 }) })
    fc.assert(
      fc.property(sizes, ({ members, each }) => {
        const names = Array.from({ length: members }, (_, index) => `m${index}`)
        const all = names.map((name) => member(name, { replicas: 1 }))
        const before = shares(all, members * each)
        const [gone = '', ...left] = names
        const after = owners(
          left.map((name) => member(name, { ...before[name], replicas: 1 })),
          members * each,
        )
        for (const name of left) {
          const { owned = [], followed = [] } = before[name] ?? {}
          expect(after[name]).toEqual(expect.arrayContaining(owned))
          const taken = after[name]?.filter((number) => before[gone]?.owned.includes(number)) ?? []
          expect(followed).toEqual(expect.arrayContaining(taken))
        }
      }),
    )
  })

  it('gives every partition to one member and its standbys to others, all evenly, whatever members say they had', () => {
    const numbers = fc.array(fc.nat(30), { maxLength: 20 })
    const had = fc.record({ owned: numbers, followed: numbers, replicas: fc.nat(4) })
    const anyMembers = fc.array(had, { minLength: 1, maxLength: 9 })
    fc.assert(
      fc.property(anyMembers, fc.integer({ min: 1, max: 24 }), (all, count) => {
        const members = all.map((one, index) => member(`m${index}`, one))
        const lists = Object.values(shares(members, count))
        const owned = lists.flatMap((list) => list.owned)
        expect(owned.sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, number) => number))
        expect(spread(lists.map((list) => list.owned.length))).toBeLessThanOrEqual(1)
        const replicas = Math.min(Math.max(...all.map((one) => one.replicas)), members.length - 1)
        const followed = Map.groupBy(
          lists.flatMap((list) => list.followed),
          (number) => number,
        )
        for (let number = 0; number < count; number++) expect(followed.get(number)?.length ?? 0).toBe(replicas)
        for (const list of lists) {
          expect(new Set(list.followed).size).toBe(list.followed.length)
          expect(list.followed.filter((number) => list.owned.includes(number))).toEqual([])
        }
        expect(spread(lists.map((list) => list.followed.length))).toBeLessThanOrEqual(1)
      }),
      { numRuns: 1_000 },
    )
  })

  // A member had one too many that no member with too few could take, but a third one could, in exchange for another.
  it('evens standbys out over a third member if there is no direct exchange', () => {
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
    const sizes = Object.values(shares(members, 18)).map(({ followed }) => followed.length)
    expect(spread(sizes)).toBeLessThanOrEqual(1)
  })

  it('moves nothing when it is asked again', () => {
    const sizes = fc.record({ members: fc.integer({ min: 1, max: 9 }), replicas: fc.nat(3) })
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 24 }), ({ members, replicas }, count) => {
        const names = Array.from({ length: members }, (_, index) => `m${index}`)
        const all = names.map((name) => member(name, { replicas }))
        const first = shares(all, count)
        const again = names.map((name) => member(name, { ...first[name], replicas }))
        expect(shares(again, count)).toEqual(first)
      }),
    )
  })
})

describe('the consumer protocol', () => {
  const owned = [
    { topic: 'commands', partition: 3 },
    { topic: 'users', partition: 1 },
  ]

  it.each([undefined, { replicas: 2, partitions: [0, 7] }, { replicas: 0, partitions: [] }])(
    'says what it was told, with standbys %j',
    (standby) => {
      expect(decodeSubscription(encodeSubscription({ topics, owned, standby }))).toEqual({ topics, owned, standby })
      const assignment = encodeAssignment({ partitions: owned, standby })
      expect(decodeAssignment(assignment)).toEqual({ partitions: owned, standby })
      expect(assignedPartitions(assignment)).toEqual(owned)
    },
  )

  it('takes an empty assignment for none', () => {
    expect(decodeAssignment(Buffer.alloc(0))).toEqual({ partitions: [], standby: undefined })
    expect(assignedPartitions(Buffer.alloc(0))).toEqual([])
  })

  it("reads a subscription of version 0, which doesn't tell what is owned", () => {
    const bytes = Buffer.from('0000' + '00000001' + '0005' + '7573657273' + 'ffffffff', 'hex')
    expect(decodeSubscription(bytes)).toEqual({ topics: ['users'], owned: [], standby: undefined })
  })

  it('takes empty user data, which other assignors send, for none', () => {
    const bytes = Buffer.from('0001' + '00000001' + '0005' + '7573657273' + '00000000' + '00000000', 'hex')
    expect(decodeSubscription(bytes)).toEqual({ topics: ['users'], owned: [], standby: undefined })
  })

  it('reads user data of a later version, which may say more', () => {
    const [subscription, userData] = ['00010000000100057573657273', '0002000100000001' + '00000003' + 'abcdef']
    const bytes = Buffer.from(`${subscription}0000000f${userData}00000000`, 'hex')
    expect(decodeSubscription(bytes)).toMatchObject({ topics: ['users'], standby: { replicas: 1, partitions: [3] } })
  })
})
