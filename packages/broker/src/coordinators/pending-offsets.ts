/**
 * Offsets that open transactions have committed: they take effect, or are dropped, with the transaction's marker.
 *
 * For each partition of a group a transaction has the newest durable commit, and those that are being written: if one is
 * refused, the one before it stays. So its memory is limited by the number of partitions, at any number of commits, and
 * by the bytes below.
 */

/** What a consumer commits for a partition. */
export type Commit = {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly leaderEpoch: number
  readonly metadata: string
}

/** `order` is the order of the log, which decides between a commit of a transaction and one outside of it. */
export type PendingCommit = {
  readonly groupId: string
  readonly name: string
  readonly commit: Commit | null
  readonly order: number
  /** The time of the commit, in ms since the epoch. */
  readonly at: number
}

/** Enough for about 25,000 partitions without metadata. */
const maxBytesOfTransaction = 8 * 1024 * 1024
const maxBytes = 64 * 1024 * 1024
/** The memory of one commit, beside its metadata and names. */
const bytesOfCommit = 300

type Transaction = { readonly groups: Map<string, Map<string, PendingCommit[]>>; bytes: number }

export class PendingOffsets {
  readonly #transactions = new Map<number, Transaction>()
  /** The number of transactions with a commit for a partition, by group. */
  readonly #holders = new Map<string, Map<string, number>>()
  #bytes = 0

  /** Whether the producer's transaction, and all together, may have this number more. */
  hasRoomFor(producerId: number, groupId: string, commits: readonly Commit[]): boolean {
    const more = commits.reduce((sum, commit) => sum + bytesOf({ groupId, commit }), 0)
    const held = this.#transactions.get(producerId)?.bytes ?? 0
    return held + more <= maxBytesOfTransaction && this.#bytes + more <= maxBytes
  }

  /** They are pending from now on; call `settle` or `drop` afterwards. */
  add(producerId: number, added: readonly PendingCommit[]): void {
    const transaction = this.#transactions.get(producerId) ?? { groups: new Map(), bytes: 0 }
    this.#transactions.set(producerId, transaction)
    for (const one of added) {
      const group = transaction.groups.get(one.groupId) ?? new Map<string, PendingCommit[]>()
      transaction.groups.set(one.groupId, group)
      const commits = group.get(one.name)
      if (commits) commits.push(one)
      else {
        group.set(one.name, [one])
        this.#count(one, 1)
      }
      this.#weigh(transaction, bytesOf(one))
    }
  }

  /** They are durable: earlier ones have no effect any more. */
  settle(producerId: number, settled: readonly PendingCommit[]): void {
    for (const one of settled) this.#keep(producerId, one, ({ order }) => order >= one.order)
  }

  /** They were refused. */
  drop(producerId: number, refused: readonly PendingCommit[]): void {
    for (const one of refused) this.#keep(producerId, one, (other) => other !== one)
  }

  /** Ends the transaction and returns its offsets, in the order of the log for each partition. */
  end(producerId: number): PendingCommit[] {
    const transaction = this.#transactions.get(producerId)
    if (transaction === undefined) return []
    const ended = [...transaction.groups.values()].flatMap((group) => [...group.values()].flat())
    for (const commits of [...transaction.groups.values()].flatMap((group) => [...group.values()])) {
      if (commits[0]) this.#count(commits[0], -1)
    }
    this.#transactions.delete(producerId)
    this.#bytes -= transaction.bytes
    return ended
  }

  isPending(groupId: string, name: string): boolean {
    return this.#holders.get(groupId)?.has(name) ?? false
  }

  hasPending(groupId: string): boolean {
    return this.#holders.has(groupId)
  }

  #keep(producerId: number, place: PendingCommit, isKept: (commit: PendingCommit) => boolean): void {
    const transaction = this.#transactions.get(producerId)
    const group = transaction?.groups.get(place.groupId)
    const commits = group?.get(place.name)
    if (transaction === undefined || group === undefined || commits === undefined) return
    const kept = commits.filter(isKept)
    for (const one of commits) if (!kept.includes(one)) this.#weigh(transaction, -bytesOf(one))
    if (kept.length > 0) {
      group.set(place.name, kept)
      return
    }
    this.#count(place, -1)
    group.delete(place.name)
    if (group.size === 0) transaction.groups.delete(place.groupId)
    if (transaction.groups.size === 0) this.#transactions.delete(producerId)
  }

  #weigh(transaction: Transaction, bytes: number): void {
    transaction.bytes += bytes
    this.#bytes += bytes
  }

  #count({ groupId, name }: PendingCommit, by: 1 | -1): void {
    const group = this.#holders.get(groupId) ?? new Map<string, number>()
    const holders = (group.get(name) ?? 0) + by
    if (holders > 0) group.set(name, holders)
    else group.delete(name)
    if (group.size > 0) this.#holders.set(groupId, group)
    else this.#holders.delete(groupId)
  }
}

function bytesOf({ groupId, commit }: Pick<PendingCommit, 'groupId' | 'commit'>): number {
  return bytesOfCommit + groupId.length + (commit === null ? 0 : commit.topic.length + commit.metadata.length)
}
