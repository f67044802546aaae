/**
 * Divides partition numbers among members: partition p of all topics goes to one member, as co-partitioned inputs
 * need, and others may follow it as standbys. The sizes of shares differ by one at most. Within that, a partition goes to
 *
 *     1. the member that has it       – if it has too many, it keeps those that no other member has the state of
 *     2. a standby of it              – its state is there, so the takeover takes no time
 *     3. any member that has room
 *
 * Standbys go to members that have the state already, else to those that follow the fewest partitions of the same owner:
 * if the owner dies, many members take over parts of its share, and each has the state of its part.
 *
 * The group's members agree on it by the name `streampay-co-partition`; rebalances are eager (everything is revoked
 * before rejoining), so the partitions that a member says it owned are only a preference.
 */
import type { TopicPartition } from '../types.ts'
import type { Assignment, Standby } from './consumer-protocol.ts'

export const ASSIGNOR_NAME = 'streampay-co-partition'

export type Member = {
  /** The instance id of a static member, else the member id: members are sorted by it, so the result is repeatable. */
  readonly name: string
  readonly memberId: string
  readonly topics: readonly string[]
  readonly owned: readonly TopicPartition[]
  /** Absent: the member can't follow partitions. */
  readonly standby: Standby | undefined
}

/**
 * Assignments by member id. All members subscribe to the same co-partitioned topics; a member gets no partitions of a topic that it
 * doesn't want. Each partition has as many standbys as the highest request asks for, as far as there are members beside its owner.
 */
export function assignCoPartitioned(members: readonly Member[], partitionCount: number): Map<string, Assignment> {
  const sorted = members.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  const numbers = Array.from({ length: partitionCount }, (_, number) => number)
  const owners = assignOwners(sorted, numbers)
  const replicas = Math.max(0, ...sorted.map(({ standby }) => standby?.replicas ?? 0))
  const standbys = assignStandbys({ members: sorted, numbers, owners, replicas })
  return new Map(
    sorted.map((member) => [
      member.memberId,
      {
        partitions: partitionsOf(member, owners.of(member)),
        standby: { replicas, partitions: ascending(standbys.of(member)) },
      },
    ]),
  )
}

/** Counts how many numbers each share may take, so that their sizes differ by one at most once `total` are assigned. */
class EvenShares {
  readonly #shares: ReadonlyMap<Member, number[]>
  readonly #least: number
  /** How many shares may still get one more than the smallest size. */
  #larger: number

  constructor(members: readonly Member[], total: number) {
    this.#shares = new Map(members.map((member) => [member, []]))
    this.#least = members.length === 0 ? 0 : Math.floor(total / members.length)
    this.#larger = members.length === 0 ? 0 : total % members.length
  }

  of(member: Member): readonly number[] {
    return this.#shares.get(member) ?? []
  }

  has(member: Member, number: number): boolean {
    return this.of(member).includes(number)
  }

  isBelowLeast(member: Member): boolean {
    return this.of(member).length < this.#least
  }

  hasRoom(member: Member): boolean {
    return this.isBelowLeast(member) || (this.of(member).length === this.#least && this.#larger > 0)
  }

  add(member: Member, number: number): void {
    if (this.of(member).length === this.#least) this.#larger--
    this.#shares.get(member)?.push(number)
  }

  move(number: number, from: Member, to: Member): void {
    const share = this.#shares.get(from)
    share?.splice(share.indexOf(number), 1)
    this.#shares.get(to)?.push(number)
  }
}

function assignOwners(members: readonly Member[], numbers: readonly number[]): EvenShares {
  const shares = new EvenShares(members, numbers.length)
  const free = new Set(numbers)
  const give = (member: Member, number: number) => {
    shares.add(member, number)
    free.delete(number)
  }
  for (const member of members) {
    const isKnownToOthers = (number: number) => members.some((other) => other !== member && follows(other, number))
    const owned = ascending(new Set(member.owned.map(({ partition }) => partition)))
    const { known = [], unknown = [] } = Object.groupBy(owned, (n) => (isKnownToOthers(n) ? 'known' : 'unknown'))
    for (const number of [...unknown, ...known]) if (free.has(number) && shares.hasRoom(member)) give(member, number)
  }
  const followersOf = (number: number) => members.filter((member) => follows(member, number) && shares.hasRoom(member))
  // Numbers that few members can follow come first; later those members may be full.
  for (const number of [...free].sort((a, b) => followersOf(a).length - followersOf(b).length)) {
    const [follower] = followersOf(number).sort((a, b) => shares.of(a).length - shares.of(b).length)
    if (follower !== undefined) give(follower, number)
  }
  const rest = [...free]
  const fill = (member: Member) => give(member, rest.shift() ?? missing())
  for (const member of members) while (shares.isBelowLeast(member)) fill(member)
  // Room is left for exactly as many as are left.
  for (const member of members) if (shares.hasRoom(member)) fill(member)
  return shares
}

type StandbyQuestion = {
  readonly members: readonly Member[]
  readonly numbers: readonly number[]
  readonly owners: EvenShares
  readonly replicas: number
}

function assignStandbys({ members, numbers, owners, replicas }: StandbyQuestion): EvenShares {
  const able = members.filter(({ standby }) => standby !== undefined)
  const missingOf = new Map<number, number>(
    numbers.map((number) => [number, Math.min(replicas, able.filter((one) => !owners.has(one, number)).length)]),
  )
  const shares = new EvenShares(
    able,
    [...missingOf.values()].reduce((sum, count) => sum + count, 0),
  )
  const canTake = (member: Member, number: number) => !owners.has(member, number) && !shares.has(member, number)
  const give = (member: Member, number: number) => {
    shares.add(member, number)
    missingOf.set(number, (missingOf.get(number) ?? 0) - 1)
  }
  for (const member of able) {
    const warm = ascending(new Set([...(member.standby?.partitions ?? []), ...member.owned.map((at) => at.partition)]))
    for (const number of warm) {
      if ((missingOf.get(number) ?? 0) > 0 && canTake(member, number) && shares.hasRoom(member)) give(member, number)
    }
  }
  const ownerOf = (number: number) => members.find((member) => owners.has(member, number))
  for (const number of numbers) {
    const owner = ownerOf(number)
    const ofSameOwner = (member: Member) => shares.of(member).filter((other) => ownerOf(other) === owner).length
    while ((missingOf.get(number) ?? 0) > 0) {
      const candidates = able.filter((member) => canTake(member, number))
      const [best] = candidates.sort(
        (a, b) =>
          Number(shares.hasRoom(b)) - Number(shares.hasRoom(a)) ||
          ofSameOwner(a) - ofSameOwner(b) ||
          shares.of(a).length - shares.of(b).length,
      )
      give(best ?? missing(), number)
    }
  }
  evenOut(able, shares, canTake)
  return shares
}

type Move = { readonly number: number; readonly from: Member; readonly to: Member }

/**
 * The owner of a partition may have been the only member with room: a number that was added to a full share moves to another one, over
 * several shares if needed. If no such way leads from a share to one that is smaller by two, the division is as even as possible
 * (augmenting paths).
 */
function evenOut(
  members: readonly Member[],
  shares: EvenShares,
  canTake: (member: Member, number: number) => boolean,
): void {
  const sizeOf = (member: Member) => shares.of(member).length
  const nextWay = () => {
    const bySize = members.toSorted((a, b) => sizeOf(a) - sizeOf(b))
    for (const from of bySize.toReversed()) {
      const way = wayFrom(from, { bySize, shares, canTake, isEnd: (member) => sizeOf(from) - sizeOf(member) >= 2 })
      if (way !== undefined) return way
    }
    return undefined
  }
  for (let way = nextWay(); way !== undefined; way = nextWay()) {
    for (const { number, from, to } of way) shares.move(number, from, to)
  }
}

type WayQuestion = {
  readonly bySize: readonly Member[]
  readonly shares: EvenShares
  readonly canTake: (member: Member, number: number) => boolean
  readonly isEnd: (member: Member) => boolean
}

/** The shortest chain of moves, each to the member that gives away the next number; undefined if none reaches an end. */
function wayFrom(start: Member, { bySize, shares, canTake, isEnd }: WayQuestion): readonly Move[] | undefined {
  const ways = new Map<Member, readonly Move[]>([[start, []]])
  for (const [from, before] of ways) {
    for (const to of bySize) {
      if (ways.has(to)) continue
      const number = shares.of(from).findLast((one) => canTake(to, one))
      if (number === undefined) continue
      const way = [...before, { number, from, to }]
      if (isEnd(to)) return way
      ways.set(to, way)
    }
  }
  return undefined
}

function follows(member: Member, number: number): boolean {
  return member.standby?.partitions.includes(number) ?? false
}

function missing(): never {
  throw new Error('the sum of the shares differs from the number of partitions')
}

function ascending(numbers: Iterable<number>): number[] {
  return [...numbers].sort((a, b) => a - b)
}

function partitionsOf(member: Member, numbers: readonly number[]): TopicPartition[] {
  const sorted = ascending(numbers)
  return member.topics.flatMap((topic) => sorted.map((partition) => ({ topic, partition })))
}
