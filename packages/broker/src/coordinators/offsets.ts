/**
 * Committed offsets of all groups, in `__consumer_offsets`.
 *
 * Offsets of a transaction are pending until its marker is durable: then they take effect, or are dropped. While an offset is
 * pending, a reader that asks for stable offsets must wait.
 * They are deleted with their group, with their topic, and by the retention of a group without members (`groups.ts`).
 */
import type { Clock } from '../log/types.ts'
import { type Commit, type PendingCommit, PendingOffsets } from './pending-offsets.ts'
import type { StateEntry, StateLog, TransactionalProducer } from './state-log.ts'

type StoredOffset = { readonly offset: number; readonly leaderEpoch: number; readonly metadata: string }
type OrderedCommit = { readonly commit: Commit; readonly order: number; readonly at: number }

const KIND = 'offset'

type Place = { readonly topic: string; readonly partition: number }

export class Offsets {
  readonly #log: StateLog
  readonly #clock: Clock
  readonly #groups = new Map<string, Map<string, OrderedCommit>>()
  readonly #pending = new PendingOffsets()
  /** The number of writes of a group in progress. */
  readonly #writing = new Map<string, number>()
  #lastOrder = 0

  constructor(log: StateLog, clock: Clock) {
    this.#log = log
    this.#clock = clock
  }

  /** Resolves when the offset is durable, and takes effect then. */
  commit(groupId: string, commits: readonly Commit[]): Promise<void> {
    return this.#change(groupId, commits, (commit) => commit)
  }

  /** Whether the producer's transaction may also have these, beside all others. */
  hasRoomFor(producerId: number, groupId: string, commits: readonly Commit[]): boolean {
    return this.#pending.hasRoomFor(producerId, groupId, commits)
  }

  /** Resolves when they are durable; they take effect with the commit marker. */
  async commitInTransaction(
    groupId: string,
    commits: readonly Commit[],
    producer: TransactionalProducer,
  ): Promise<void> {
    if (commits.length === 0) return
    // Pending from now on, and not from durability on: otherwise a reader of stable offsets could read between the two.
    const place = { groupId, order: ++this.#lastOrder, at: this.#clock.now() }
    const added = commits.map((commit) => ({ ...place, name: nameOf(commit), commit }))
    this.#pending.add(producer.producerId, added)
    try {
      const entries = commits.map((commit) => entryOf(groupId, commit))
      await this.#write(groupId, entries, producer)
    } catch (error) {
      this.#pending.drop(producer.producerId, added)
      throw error
    }
    this.#pending.settle(producer.producerId, added)
  }

  /** To be called when the transaction's marker on the offsets' partition is durable. */
  endTransaction(producerId: number, commit: boolean): void {
    const ended = this.#pending.end(producerId)
    if (commit) for (const one of ended) this.#set(one)
  }

  /** Deletes committed offsets. Resolves when that is durable, and takes effect then. */
  forget(groupId: string, partitions: readonly Place[]): Promise<void> {
    return this.#change(groupId, partitions, () => null)
  }

  committed(groupId: string, topic: string, partition: number): Commit | undefined {
    return this.#groups.get(groupId)?.get(nameOf({ topic, partition }))?.commit
  }

  all(groupId: string): readonly Commit[] {
    return this.#ordered(groupId).map(({ commit }) => commit)
  }

  /** The offsets that were committed at or before the time (ms since the epoch). */
  committedBefore(groupId: string, time: number): readonly Commit[] {
    return this.#ordered(groupId)
      .filter(({ at }) => at <= time)
      .map(({ commit }) => commit)
  }

  /** Whether an open transaction may still change the offset. */
  isPending(groupId: string, topic: string, partition: number): boolean {
    return this.#pending.isPending(groupId, nameOf({ topic, partition }))
  }

  hasPending(groupId: string): boolean {
    return this.#pending.hasPending(groupId)
  }

  /** Whether a write of the group is in progress: its result is not known yet. */
  isWriting(groupId: string): boolean {
    return this.#writing.has(groupId)
  }

  groupIds(): Iterable<string> {
    return this.#groups.keys()
  }

  /** The entries that delete all offsets of the group, for a batch with the group's own record. */
  tombstonesOf(groupId: string): StateEntry[] {
    return this.all(groupId).map((commit) => tombstoneOf(groupId, commit))
  }

  /** Removes from memory what is deleted on the log. */
  drop(groupId: string): void {
    this.#groups.delete(groupId)
  }

  /** Loads one record at start, written at a time in ms since the epoch; false if it isn't an offset. */
  load({ key, value }: StateEntry, producer: TransactionalProducer | null, writtenAt: number): boolean {
    const [kind, groupId, topic, partition] = key
    if (kind !== KIND || typeof groupId !== 'string' || typeof topic !== 'string' || typeof partition !== 'number') {
      return false
    }
    const commit = value === null ? null : { topic, partition, ...(value as StoredOffset) }
    const order = ++this.#lastOrder
    const loaded = { groupId, name: nameOf({ topic, partition }), commit, order, at: writtenAt }
    if (producer === null) this.#set(loaded)
    else {
      this.#pending.add(producer.producerId, [loaded])
      this.#pending.settle(producer.producerId, [loaded])
    }
    return true
  }

  async #change<T extends Place>(
    groupId: string,
    places: readonly T[],
    next: (place: T) => Commit | null,
  ): Promise<void> {
    if (places.length === 0) return
    const order = ++this.#lastOrder
    const at = this.#clock.now()
    const changes = places.map((place) => ({ groupId, name: nameOf(place), commit: next(place), order, at }))
    const entries = places.map((place) => {
      const commit = next(place)
      return commit ? entryOf(groupId, commit) : tombstoneOf(groupId, place)
    })
    await this.#write(groupId, entries)
    for (const change of changes) this.#set(change)
  }

  async #write(groupId: string, entries: readonly StateEntry[], producer?: TransactionalProducer): Promise<void> {
    this.#writing.set(groupId, (this.#writing.get(groupId) ?? 0) + 1)
    try {
      await this.#log.append(entries, producer && { producer })
    } finally {
      const left = (this.#writing.get(groupId) ?? 0) - 1
      if (left > 0) this.#writing.set(groupId, left)
      else this.#writing.delete(groupId)
    }
  }

  #ordered(groupId: string): OrderedCommit[] {
    return [...(this.#groups.get(groupId)?.values() ?? [])]
  }

  #set({ groupId, name, commit, order, at }: PendingCommit): void {
    const group = this.#groups.get(groupId) ?? new Map<string, OrderedCommit>()
    this.#groups.set(groupId, group)
    const known = group.get(name)
    // A commit that is later in the log stays, although the marker came after it: compaction has the same order.
    if (known && known.order > order) return
    if (commit) group.set(name, { commit, order, at })
    else group.delete(name)
    if (group.size === 0) this.#groups.delete(groupId)
  }
}

function nameOf({ topic, partition }: Place): string {
  return `${topic}:${partition}`
}

function entryOf(groupId: string, { topic, partition, offset, leaderEpoch, metadata }: Commit): StateEntry {
  return { key: [KIND, groupId, topic, partition], value: { offset, leaderEpoch, metadata } }
}

function tombstoneOf(groupId: string, { topic, partition }: Place): StateEntry {
  return { key: [KIND, groupId, topic, partition], value: null }
}
