/** Consumer groups: their members, and their lag. */
import {
  type Admin,
  type Cluster,
  type CommittedOffset,
  type GroupDescription,
  type GroupListing,
  keyOf,
  openReader,
  type TopicPartition,
} from '@streampay/kafka'
import { ProblemError } from '../shared/problem.ts'
import { ifOffered, type Missing } from './if-offered.ts'
import { pollPast } from './read-records.ts'

export type GroupRow = {
  readonly group: string
  readonly state: string
  readonly protocolType: string
  /** Null for a group whose members this request does not show, such as those of KIP-848. */
  readonly members: number | null
  /** The sum of the offsets between its committed offsets and the ends; null if they are not known. */
  readonly lag: number | null
}

export type GroupPartition = TopicPartition & {
  readonly committed: number
  /** The last stable offset; null if the partition doesn't exist or has no leader now. */
  readonly end: number | null
  readonly lag: number | null
  /** The time of the first record that is not consumed, in milliseconds since the epoch; null if there is none, or it is not known. */
  readonly waitingSince: number | null
  /** The id of the member that reads it. */
  readonly member: string | null
}

export type Groups = { readonly items: readonly GroupRow[]; readonly missing: readonly string[] }

export type Group = {
  readonly group: string
  /** The time of this answer, by the gateway's clock. */
  readonly at: number
  readonly state: string
  readonly protocol: string
  readonly members: readonly Omit<GroupDescription['members'][number], 'partitions'>[]
  readonly partitions: readonly GroupPartition[]
  /** The number of further partitions with committed offsets. */
  readonly left: number
}

const mostGroups = 100
const mostPartitions = 1_000
/** The number of partitions whose lag in time is looked up: each needs a read of one record. */
const mostAges = 64
const agePatienceMs = 1_500
const pollTimeoutMs = 250
const ageBytes = { maxBytes: 1_048_576, partitionMaxBytes: 16_384 }

/** At most 100, by name. */
export async function listGroups(admin: Admin): Promise<Groups> {
  const missing: Missing = []
  const listed = (await ifOffered('ListGroups', missing, () => admin.listGroups())) ?? []
  const groups = listed.toSorted((a, b) => (a.groupId < b.groupId ? -1 : 1)).slice(0, mostGroups)
  const known = await Promise.all(groups.map((group) => knownOf(admin, group, missing)))
  const all = known.flatMap(({ offsets }) => offsets.slice(0, mostPartitions))
  const ends = await endsOf(admin, all)
  const items = known.map(({ listing, description, offsets }) => {
    const lags = offsets.map((offset) => lagOf(offset, ends))
    const lag = lags.reduce<number | null>((sum, one) => (sum === null || one === null ? null : sum + one), 0)
    return {
      group: listing.groupId,
      state: listing.state || description?.state || '',
      protocolType: listing.protocolType,
      members: description === undefined || isHidden(listing, description) ? null : description.members.length,
      lag: offsets.length > mostPartitions ? null : lag,
    }
  })
  return { items, missing: [...new Set(missing)] }
}

async function knownOf(admin: Admin, listing: GroupListing, missing: Missing) {
  const { groupId } = listing
  const [descriptions, offsets] = await Promise.all([
    ifOffered('DescribeGroups', missing, () => admin.describeGroups([groupId])),
    ifOffered('OffsetFetch', missing, () => admin.groupOffsets(groupId)),
  ])
  return { listing, description: descriptions?.[0], offsets: (offsets ?? []).filter(({ offset }) => offset >= 0) }
}

/** A group of another kind: the log lists it and reports it as dead at the same time. */
function isHidden({ state }: GroupListing, description: GroupDescription): boolean {
  return description.state === 'Dead' && state !== '' && state !== 'Dead'
}

/** @throws ProblemError 404 for a group that has neither members nor offsets */
export async function describeGroup(cluster: Cluster, admin: Admin, name: string): Promise<Group> {
  const at = cluster.clock.now()
  const missing: Missing = []
  const [descriptions, offsets] = await Promise.all([
    ifOffered('DescribeGroups', missing, () => admin.describeGroups([name])),
    ifOffered('OffsetFetch', missing, () => admin.groupOffsets(name)),
  ])
  if (descriptions === undefined || offsets === undefined) throw new ProblemError('not-found', missing.join(' '))
  const [description] = descriptions
  const committed = offsets.filter(({ offset }) => offset >= 0)
  if (description === undefined || (description.state === 'Dead' && committed.length === 0)) {
    throw new ProblemError('not-found', `There is no group "${name}".`)
  }
  const shown = committed.slice(0, mostPartitions)
  const ends = await endsOf(admin, shown)
  const lagging = shown.filter((offset) => (lagOf(offset, ends) ?? 0) > 0).slice(0, mostAges)
  const ages = await firstTimes(cluster, lagging)
  const owners = new Map(
    description.members.flatMap(({ memberId, partitions }) => partitions.map((one) => [keyOf(one), memberId] as const)),
  )
  return {
    group: name,
    at,
    state: description.state,
    protocol: description.protocol,
    members: description.members.map(({ partitions: _, ...member }) => member),
    partitions: shown.map((offset) => ({
      topic: offset.topic,
      partition: offset.partition,
      committed: offset.offset,
      end: ends.get(keyOf(offset)) ?? null,
      lag: lagOf(offset, ends),
      waitingSince: ages.get(keyOf(offset)) ?? null,
      member: owners.get(keyOf(offset)) ?? null,
    })),
    left: committed.length - shown.length,
  }
}

type Ends = ReadonlyMap<string, number>

/** Last stable offsets of the partitions that exist and have a leader: a missing partition must not cause a wait. */
async function endsOf(admin: Admin, partitions: readonly TopicPartition[]): Promise<Ends> {
  const topics = await admin.describeTopics([...new Set(partitions.map(({ topic }) => topic))])
  const led = new Set(
    topics.flatMap(({ name, partitions: all }) =>
      all.filter(({ leader }) => leader >= 0).map(({ partition }) => keyOf({ topic: name, partition })),
    ),
  )
  const asked = new Map(partitions.filter((one) => led.has(keyOf(one))).map((one) => [keyOf(one), one]))
  const wanted = [...asked.values()].map(({ topic, partition }) => ({ topic, partition }))
  const ends = await admin.listOffsets(wanted, 'latest', 'read_committed')
  return new Map(ends.map((end) => [keyOf(end), end.offset]))
}

function lagOf(committed: CommittedOffset, ends: Ends): number | null {
  const end = ends.get(keyOf(committed))
  return end === undefined ? null : Math.max(0, end - committed.offset)
}

/** The time of the first record at or behind each offset. Records that the log does not return in time are left out. */
async function firstTimes(cluster: Cluster, offsets: readonly CommittedOffset[]): Promise<Map<string, number>> {
  const times = new Map<string, number>()
  if (offsets.length === 0) return times
  const reader = openReader(cluster, { onUndecodable: 'skip', ...ageBytes })
  try {
    reader.assign(offsets.map(({ topic, partition, offset }) => ({ topic, partition, offset })))
    const until = cluster.clock.elapsed() + agePatienceMs
    while (times.size < offsets.length && cluster.clock.elapsed() < until) {
      for (const { records, topic, partition } of await pollPast(reader, pollTimeoutMs)) {
        const [first] = records
        if (first === undefined) continue
        times.set(keyOf({ topic, partition }), first.timestamp)
        reader.remove([{ topic, partition }])
      }
    }
  } finally {
    await reader.close()
  }
  return times
}
