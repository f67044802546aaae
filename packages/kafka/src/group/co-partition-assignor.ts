/**
 * Divides partition numbers among members: partition p of all topics goes to one member, as co-partitioned inputs
 * need. Members keep what they have as far as the shares stay even (sizes differ by one at most).
 *
 * The group's members agree on it by the name `streampay-co-partition`; rebalances are eager (everything is revoked
 * before rejoining), so what a member says it owned is a wish, never a claim.
 */
import type { TopicPartition } from '../types.ts'

export const ASSIGNOR_NAME = 'streampay-co-partition'

export type Member = {
  /** The instance id of a static member, else the member id: sorting by it makes the result repeatable. */
  readonly name: string
  readonly memberId: string
  readonly topics: readonly string[]
  readonly owned: readonly TopicPartition[]
}

/** By member id. Every member subscribes to the same co-partitioned topics; a topic that one doesn't want it doesn't get. */
export function assignCoPartitioned(members: readonly Member[], partitionCount: number): Map<string, TopicPartition[]> {
  const sorted = members.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  const shares = new Map<Member, number[]>(sorted.map((member) => [member, []]))
  const free = new Set(Array.from({ length: partitionCount }, (_, number) => number))
  const least = Math.floor(partitionCount / sorted.length)
  let larger = partitionCount % sorted.length
  for (const member of sorted) {
    const share = shares.get(member) ?? []
    const wanted = [...new Set(member.owned.map(({ partition }) => partition))].sort((a, b) => a - b)
    for (const number of wanted) {
      const mayTake = share.length < least || (share.length === least && larger > 0)
      if (!free.has(number) || !mayTake) continue
      if (share.length === least) larger--
      share.push(number)
      free.delete(number)
    }
  }
  const rest = [...free]
  for (const share of shares.values()) {
    while (share.length < least) share.push(take(rest))
  }
  for (const share of shares.values()) {
    if (larger > 0 && share.length === least && rest.length > 0) {
      share.push(take(rest))
      larger--
    }
  }
  return new Map([...shares].map(([member, numbers]) => [member.memberId, partitionsOf(member, numbers)]))
}

function take(rest: number[]): number {
  const number = rest.shift()
  if (number === undefined) throw new Error('the shares add up to more than there are partitions')
  return number
}

function partitionsOf(member: Member, numbers: readonly number[]): TopicPartition[] {
  const sorted = numbers.toSorted((a, b) => a - b)
  return member.topics.flatMap((topic) => sorted.map((partition) => ({ topic, partition })))
}
