/**
 * Committed offsets of all groups, in `__consumer_offsets`.
 *
 * Offsets of a transaction are pending until its marker is durable: then they count, or are forgotten. While one is
 * pending, a reader who asks for stable offsets must wait.
 *
 * Difference from Apache Kafka: committed offsets never expire; they go with their group or topic.
 */
import type { StateEntry, StateLog, TransactionalProducer } from './state-log.ts'

export type Commit = {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly leaderEpoch: number
  readonly metadata: string
}

export type Offsets = {
  commit(groupId: string, commits: readonly Commit[]): Promise<void>
  /** Durable when it resolves, in effect from the commit marker on. */
  commitInTransaction(groupId: string, commits: readonly Commit[], producer: TransactionalProducer): Promise<void>
  /** To be called when the transaction's marker on the offsets' partition is durable. */
  endTransaction(producerId: number, commit: boolean): void
  committed(groupId: string, topic: string, partition: number): Commit | undefined
  all(groupId: string): readonly Commit[]
  /** Whether an open transaction may still move the offset. */
  isPending(groupId: string, topic: string, partition: number): boolean
  hasPending(groupId: string): boolean
  groupIds(): Iterable<string>
  forget(groupId: string, partitions: ReadonlyArray<{ topic: string; partition: number }>): Promise<void>
  /** Takes one record at start; false if it isn't an offset. */
  load(entry: StateEntry, producer: TransactionalProducer | null): boolean
}

type StoredOffset = { readonly offset: number; readonly leaderEpoch: number; readonly metadata: string }
/** `order` is that of the log, which decides between a commit of a transaction and one beside it. */
type OrderedCommit = { readonly commit: Commit; readonly order: number }
type PendingCommit = {
  readonly groupId: string
  readonly name: string
  readonly commit: Commit | null
  readonly order: number
}

const KIND = 'offset'

export function openOffsets(log: StateLog): Offsets {
  const groups = new Map<string, Map<string, OrderedCommit>>()
  const pending = new Map<number, PendingCommit[]>()
  let lastOrder = 0

  const set = ({ groupId, name, commit, order }: PendingCommit) => {
    const group = groups.get(groupId) ?? new Map<string, OrderedCommit>()
    groups.set(groupId, group)
    const known = group.get(name)
    // A commit that stands later in the log stays, although the marker came after it: compaction sees it so, too.
    if (known && known.order > order) return
    if (commit) group.set(name, { commit, order })
    else group.delete(name)
    if (group.size === 0) groups.delete(groupId)
  }
  const addPending = (producerId: number, added: readonly PendingCommit[]) => {
    pending.set(producerId, [...(pending.get(producerId) ?? []), ...added])
  }
  const somePending = (matches: (commit: PendingCommit) => boolean) => {
    for (const commits of pending.values()) if (commits.some(matches)) return true
    return false
  }
  const endTransaction = (producerId: number, commit: boolean) => {
    const ended = pending.get(producerId)
    pending.delete(producerId)
    if (ended && commit) for (const one of ended) set(one)
  }

  return {
    async commit(groupId, commits) {
      if (commits.length === 0) return
      const order = ++lastOrder
      await log.append(commits.map((commit) => entryOf(groupId, commit)))
      for (const commit of commits) set({ groupId, name: nameOf(commit), commit, order })
    },
    async commitInTransaction(groupId, commits, producer) {
      if (commits.length === 0) return
      // Pending from now on, not from the moment of durability: a reader of stable offsets must not slip in between.
      const order = ++lastOrder
      const added = commits.map((commit) => ({ groupId, name: nameOf(commit), commit, order }))
      addPending(producer.producerId, added)
      try {
        await log.append(
          commits.map((commit) => entryOf(groupId, commit)),
          producer,
        )
      } catch (error) {
        const rest = (pending.get(producer.producerId) ?? []).filter((one) => !added.some((other) => other === one))
        if (rest.length > 0) pending.set(producer.producerId, rest)
        else pending.delete(producer.producerId)
        throw error
      }
    },
    endTransaction,
    committed: (groupId, topic, partition) => groups.get(groupId)?.get(nameOf({ topic, partition }))?.commit,
    all: (groupId) => [...(groups.get(groupId)?.values() ?? [])].map(({ commit }) => commit),
    isPending(groupId, topic, partition) {
      const name = nameOf({ topic, partition })
      return somePending((one) => one.groupId === groupId && one.name === name)
    },
    hasPending: (groupId) => somePending((one) => one.groupId === groupId),
    groupIds: () => groups.keys(),
    async forget(groupId, partitions) {
      if (partitions.length === 0) return
      const order = ++lastOrder
      await log.append(
        partitions.map(({ topic, partition }) => ({ key: [KIND, groupId, topic, partition], value: null })),
      )
      for (const partition of partitions) set({ groupId, name: nameOf(partition), commit: null, order })
    },
    load({ key, value }, producer) {
      const [kind, groupId, topic, partition] = key
      if (kind !== KIND || typeof groupId !== 'string' || typeof topic !== 'string' || typeof partition !== 'number') {
        return false
      }
      const commit = value === null ? null : { topic, partition, ...(value as StoredOffset) }
      const loaded = { groupId, name: nameOf({ topic, partition }), commit, order: ++lastOrder }
      if (producer) addPending(producer.producerId, [loaded])
      else set(loaded)
      return true
    },
  }
}

function nameOf({ topic, partition }: { readonly topic: string; readonly partition: number }): string {
  return `${topic}:${partition}`
}

function entryOf(groupId: string, { topic, partition, offset, leaderEpoch, metadata }: Commit): StateEntry {
  return { key: [KIND, groupId, topic, partition], value: { offset, leaderEpoch, metadata } }
}
