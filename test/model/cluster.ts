/**
 * The simulated log as a whole: its records, its groups, and its own work as steps of the scheduler: commit markers partition by partition,
 * ends of sessions, time-outs of transactions. It also keeps for every transaction which records its process had read for it; the model of
 * the bank gets these.
 */
import { FencedError, type TopicPartition } from '@streampay/kafka'
import { StoredLog, type Transaction } from '../../packages/streams/test/support/stored-log.ts'
import type { App } from './faults.ts'
import { GroupCoordinator } from './group-coordinator.ts'
import type { Random } from './random.ts'
import type { Actor, Scheduler } from './scheduler.ts'

/** A record that a task has processed, dead-lettered ones included; or a run of one of its punctuators, at a stream time. */
export type Input = {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}
/** In place of the topic, for a punctuator with this interval in ms; the offset is then the time. */
export function punctuatorOf(everyMs: number): string {
  return `every ${everyMs} ms`
}

export type TransactionRecord = {
  readonly transaction: Transaction
  readonly app: App
  readonly process: string
  /**
   * In the order of processing, of the tasks whose offsets it has: first what these processed since their last transaction without an
   * effect, then its batch.
   */
  readonly inputs: readonly Input[]
  /** The tasks that its process ran then, in their order. */
  readonly tasks: ReadonlySet<number>
  /** When its outcome was decided. */
  readonly decided: Moment
}

export type Moment = {
  /** In steps of the scheduler: no two events happen in one. */
  readonly atStep: number
  /** In simulated ms since the start. */
  readonly elapsed: number
}

type Owner = Pick<TransactionRecord, 'app' | 'process' | 'inputs' | 'tasks'>
type Waiter = {
  readonly groupId: string
  readonly partitions: readonly TopicPartition[]
  readonly isWaiting: () => boolean
}

/** Duties of the log and the client that can be switched off, to show that the model finds the consequences. */
export type Duties = {
  /** Producer epochs are checked. */
  readonly fencing: boolean
  /** Members and generations are checked when offsets are committed in a transaction. */
  readonly membership: boolean
  /** Records of aborted transactions are left out by readers. */
  readonly filter: boolean
}
export const allDuties: Duties = { fencing: true, membership: true, filter: true }

export type ClusterOptions = {
  readonly scheduler: Scheduler
  readonly random: Random
  readonly topics: readonly string[]
  readonly logAppendTime: ReadonlySet<string>
  readonly compacted: ReadonlySet<string>
  readonly partitionCount: number
  readonly duties: Duties
}

/** The groups, and the topics that each of them reads. */
export const consumers = [
  {
    groupId: 'streampay-payments',
    inputs: ['users', 'transactions', 'streampay-payments-requests-repartition', 'commands'],
  },
  {
    groupId: 'streampay-statistics',
    inputs: ['streampay-statistics-totals-repartition', 'payment-requests', 'transactions', 'balance-histories'],
  },
] as const

/** How often the log checks for transactions that are past their timeout. */
const timeoutScanMs = 10_000
/** The longest time from a generation without a member to the end of the transaction that the member had left open. */
const takeOverMs = 4_000
/** The default of `delete.retention.ms`. */
const deleteRetentionMs = 86_400_000
const startTime = Date.UTC(2026, 0, 1)

export class Cluster {
  readonly scheduler: Scheduler
  readonly random: Random
  readonly stored: StoredLog
  readonly duties: Duties
  /** Committed transactions in the order of their decisions. */
  readonly committed: TransactionRecord[] = []
  /** Violations found while the log runs. */
  readonly faults: string[] = []
  /** Called after each marker; `keyOf` names its partition. */
  onMarked: ((key: string) => void) | undefined
  /** The actors of the log's own steps. */
  readonly housekeeper: Actor
  readonly #markerActors = new Map<string, Actor>()
  readonly #compacted: ReadonlySet<string>
  readonly #heldUntil = new Map<string, number>()
  readonly #owners = new Map<Transaction, Owner & { readonly cancelTimeout: () => void }>()
  readonly #coordinators = new Map<string, GroupCoordinator>()
  /** The readers that wait for stable offsets, as long as `isWaiting`. */
  readonly #waiters = new Set<Waiter>()
  /** The process that has set the epoch of each transactional id last, or the log. */
  readonly #epochsBy = new Map<string, string>()
  #passedMs = 0

  constructor({ scheduler, random, topics, logAppendTime, compacted, partitionCount, duties }: ClusterOptions) {
    this.#compacted = compacted
    this.scheduler = scheduler
    this.random = random
    this.duties = duties
    this.housekeeper = scheduler.actor('log')
    this.stored = new StoredLog({ topics, partitionCount, logAppendTime, now: () => this.now })
  }

  /** The log's clock, in ms since the epoch. */
  get now(): number {
    return startTime + Math.floor(this.scheduler.elapsed) + this.#passedMs
  }

  get moment(): Moment {
    return { atStep: this.scheduler.steps, elapsed: this.scheduler.elapsed }
  }

  pass(ms: number): void {
    this.#passedMs += ms
  }

  /** The log cleaner cleans all compacted topics. */
  compact(): void {
    for (const topic of this.#compacted) {
      for (const partition of this.stored.partitionsOf(topic)) partition.compact({ now: this.now, deleteRetentionMs })
    }
  }

  group(groupId: string): GroupCoordinator {
    let coordinator = this.#coordinators.get(groupId)
    if (coordinator === undefined) {
      const { scheduler, stored } = this
      const options = { groupId, partitionCount: stored.partitionCount, scheduler, actor: this.housekeeper }
      coordinator = new GroupCoordinator(options)
      this.#coordinators.set(groupId, coordinator)
    }
    return coordinator
  }

  checkEpoch(transactionalId: string, epoch: number): void {
    if (this.duties.fencing) this.stored.checkEpoch(transactionalId, epoch)
  }

  /** The first half of InitProducerId: an open transaction is aborted, and its owner fenced. */
  abandon(transactionalId: string, by: string): void {
    const open = this.stored.openTransaction(transactionalId)
    if (open === undefined) return
    this.bumpEpoch(transactionalId, by)
    this.decide(open, 'aborted')
  }

  /** A new epoch: the previous holder of the id is fenced. */
  bumpEpoch(transactionalId: string, by: string): number {
    this.#epochsBy.set(transactionalId, by)
    return this.stored.bumpEpoch(transactionalId)
  }

  /** Whether the process lost its epoch to another one, and not by its own action. */
  isFencedByOthers(transactionalId: string, process: string): boolean {
    return this.#epochsBy.get(transactionalId) !== process
  }

  begin(transactionalId: string, { timeoutMs, ...owner }: Owner & { readonly timeoutMs: number }): Transaction {
    const transaction = this.stored.begin(transactionalId)
    const noticedMs = timeoutMs + timeoutScanMs * this.random.fraction()
    const cancelTimeout = this.scheduler.after(this.housekeeper, noticedMs, () => this.#timeOut(transaction))
    this.#owners.set(transaction, { ...owner, cancelTimeout })
    return transaction
  }

  /** Prepare: the outcome is decided. Each partition's marker is a step of its own. */
  decide(transaction: Transaction, state: 'committed' | 'aborted'): void {
    const owner = this.#owners.get(transaction)
    owner?.cancelTimeout()
    this.stored.decide(transaction, state)
    if (state === 'committed' && owner !== undefined) {
      const told = tasksOf(transaction)
      const inputs = owner.inputs.filter(({ partition }) => told.has(partition))
      const { app, process, tasks } = owner
      this.committed.push({ transaction, app, process, inputs, tasks, decided: this.moment })
    }
    this.scheduler.note(this.housekeeper, `transaction of ${transaction.transactionalId} is ${state}`)
    for (const key of transaction.unmarked) {
      const run = () => {
        this.stored.writeMarker(transaction, key)
        this.onMarked?.(key)
        return false
      }
      const notBefore = this.#heldUntil.get(key) ?? 0
      this.scheduler.park({ actor: this.#markerActor(key), name: `marker in ${key}`, notBefore, run })
    }
  }

  holdMarkers(key: string, forMs: number): void {
    this.#heldUntil.set(key, this.scheduler.elapsed + forMs)
  }

  /** While a reader waits, no transaction of a member that is gone may stay open until its timeout. */
  waitForStable(waiter: Waiter): () => void {
    this.#waiters.add(waiter)
    return () => void this.#waiters.delete(waiter)
  }

  /** Whether every input is consumed and committed, and no transaction is open. */
  quiet(): boolean {
    return this.stored.unfinished.size === 0 && this.remains().length === 0
  }

  /** The reasons why the log is not quiet. */
  remains(): string[] {
    const remains = [...this.stored.unfinished].map(
      ({ transactionalId, state, unmarked }) =>
        `${state} transaction of ${transactionalId} lacks ${[...unmarked].join(', ')}`,
    )
    for (const { groupId, inputs } of consumers) {
      for (const at of inputs.flatMap((topic) => this.stored.partitionsOf(topic))) {
        const offset = this.stored.committedOffset(groupId, at)?.offset ?? at.logStart
        const [next] = this.stored.fetch(at, offset, { limit: 1 }).records
        if (next !== undefined) remains.push(`${groupId} has not consumed ${at.key}/${next.offset}`)
      }
    }
    return remains
  }

  #timeOut(transaction: Transaction): void {
    if (transaction.state !== 'open') return
    const { transactionalId } = transaction
    for (const { groupId, partitions, isWaiting } of this.#waiters) {
      const isHolder = this.stored.holders(groupId, partitions).includes(transaction)
      const isLongGone = this.group(groupId).withoutMs(transactionalId) > takeOverMs
      if (!isWaiting() || !isHolder || !isLongGone) continue
      this.faults.push(`a successor had to wait until the transaction of ${transactionalId}, which was gone, timed out`)
    }
    this.scheduler.note(this.housekeeper, `transaction of ${transactionalId} has timed out`)
    this.bumpEpoch(transactionalId, this.housekeeper.name)
    this.decide(transaction, 'aborted')
  }

  #markerActor(key: string): Actor {
    let actor = this.#markerActors.get(key)
    if (actor === undefined) {
      actor = this.scheduler.actor(`markers ${key}`)
      this.#markerActors.set(key, actor)
    }
    return actor
  }
}

/** The tasks whose offsets are in a transaction. */
export function tasksOf({ offsets }: Transaction): Set<number> {
  return new Set([...offsets.values()].flat().map(({ offset }) => offset.partition))
}

/** The transaction of a producer that was fenced, or timed out, meanwhile. */
export function over(transactionalId: string): FencedError {
  return new FencedError(`the transaction of ${transactionalId} is over`)
}
