/**
 * Runs a topology against a log, exactly once: one process, one transactional producer, one static member of the group. The
 * process is the unit of failure: an error after which state and log could differ ends it, and its successor restores.
 */
import type { Cluster, GroupMetadata, TopicPartition } from '@streampay/kafka'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import { reasonOf, StreamsError } from '../errors.ts'
import { checkPartitions } from '../log/check-partitions.ts'
import { kafkaLog } from '../log/kafka-log.ts'
import { readSetAside, SetAsideRecords } from '../log/set-aside.ts'
import { type StreamClock, systemClock } from '../log/stream-clock.ts'
import type { LogGroup, LogProducer, StreamLog } from '../log/stream-log.ts'
import { isUnreadable, LocalState, tableCount } from '../state/local-state.ts'
import { type OpenState, type StateOptions, stateIn, stateInHeap } from '../state/state-options.ts'
import { isOutdated, Replica } from '../task/replica.ts'
import { Task } from '../task/task.ts'
import { checkTopology } from '../topology/check-topology.ts'
import { changelogsOf, slotName } from '../topology/names.ts'
import type { Topology } from '../topology/topology.ts'
import { Assignment, type RuntimeHooks } from './assignment.ts'
import { LifeCycle, type RuntimeState } from './life-cycle.ts'
import { checkLimits, defaultLimits, type Limits } from './limits.ts'
import { type StreamsMetrics, streamsMetrics } from './metrics.ts'
import { StandbyFollower } from './standby-follower.ts'
import { TableFollower } from './table-follower.ts'

/** The process, the log and the limits of a running topology. */
export type RunOptions = {
  /** The log. The caller closes it, after the topology. */
  readonly cluster: Cluster
  /** The number of this process among the application's processes, from 0. Two live processes with one slot fence each other. */
  readonly slot: number
  /**
   * How many other processes follow the changelogs of each task, if there are enough, so that a takeover needs no long
   * restoration. The highest number among the processes counts. Default 0.
   */
  readonly numStandbyReplicas?: number
  /** Each of its lines has the application and the slot. */
  readonly logger: Logger
  /** The registry of the metrics; several topologies may share one. */
  readonly registry?: Registry
  /** Limits that differ from `defaultLimits`. */
  readonly limits?: Partial<Limits>
  /** Where the state is kept; by default in the heap, so that each start has to read all of it again. */
  readonly state?: StateOptions
  /** For tests. */
  readonly hooks?: RuntimeHooks
  /** Default: the machine's clock. */
  readonly clock?: StreamClock
}

/** A topology that runs in this process, until `close` or the first error. */
export type RunningTopology = {
  /** The state in its life cycle, as drawn in life-cycle.ts. */
  readonly state: RuntimeState
  /** The tasks that this process runs now. */
  readonly tasks: readonly number[]
  /** The tasks of other processes for which this one is a standby now. */
  readonly standbys: readonly number[]
  /** The number of known records of its inputs that are not processed yet. */
  readonly lag: number
  /** Resolves when the first assignment is restored and being processed; rejects like `done` if that never happens. */
  readonly ready: Promise<void>
  /** Resolves after `close`; rejects with the error that ended the topology. The process must then exit. */
  readonly done: Promise<void>
  /**
   * Finishes the open transaction and stops. By default the member does not leave its group: a successor with the same
   * slot gets its partitions at once, and the other members keep theirs. With `leave` the partitions go to the other members.
   */
  close(options?: { leave?: boolean }): Promise<void>
}

/**
 * Runs a topology in this process, in the background: joins the group of its application, restores the state of its
 * tasks, and processes records, each batch in one transaction (KIP-98, KIP-447). Its topics must exist.
 * @throws StreamsError STREAMS_TOPOLOGY_INVALID, STREAMS_LIMITS_INVALID; every later error rejects `ready` and `done`.
 * @example
 * ```ts
 * import { openAdmin, openCluster } from '@streampay/kafka'
 * import { openLogger } from '@streampay/process'
 * import { internalTopics, runTopology, type Topology } from '@streampay/streams'
 *
 * const text = { encode: (value: string) => Buffer.from(value), decode: String }
 * const loud = { topic: 'loud', value: text }
 * const topology: Topology = {
 *   applicationId: 'shout',
 *   sources: [
 *     {
 *       topic: 'quiet',
 *       priority: 0,
 *       onError: 'stop',
 *       process({ key, value }, context) {
 *         context.send(loud, { key: String(key), value: String(value).toUpperCase() })
 *         return undefined
 *       },
 *     },
 *   ],
 *   stores: [],
 *   tables: [],
 *   sinks: [loud],
 * }
 * const cluster = openCluster({ brokers: ['localhost:9092'], clientId: 'shout' })
 * await openAdmin(cluster).createTopics([
 *   ...['quiet', 'loud'].map((name) => ({ name, partitions: 2 })),
 *   ...internalTopics(topology, 2).map(({ config, ...topic }) => ({ ...topic, configs: config })),
 * ])
 * const running = runTopology(topology, { cluster, slot: 0, logger: openLogger({ level: 'silent' }) })
 * await running.ready
 * console.log(running.state, running.tasks) // → running [ 0, 1 ]
 * await running.close()
 * await cluster.close()
 * ```
 */
export function runTopology(topology: Topology, { cluster, state, ...options }: RunOptions): RunningTopology {
  const openState = state === undefined ? stateInHeap : stateIn(state)
  return runOn(kafkaLog(cluster), topology, { ...options, openState })
}

/** Opens the state; by default from a folder. */
type RunOnOptions = Omit<RunOptions, 'cluster' | 'state'> & { readonly openState?: OpenState }

/** As `runTopology`, on any implementation of the log's interface. */
export function runOn(log: StreamLog, topology: Topology, options: RunOnOptions): RunningTopology {
  checkTopology(topology)
  checkLimits({ ...defaultLimits, ...options.limits })
  return new Runtime(log, topology, options)
}

class Runtime implements RunningTopology {
  readonly ready: Promise<void>
  readonly done: Promise<void>
  readonly #log: StreamLog
  readonly #topology: Topology
  readonly #logger: Logger
  readonly #limits: Limits
  readonly #metrics: StreamsMetrics
  readonly #hooks: RuntimeHooks
  readonly #clock: StreamClock
  readonly #numStandbyReplicas: number
  /** The transactional id and the group instance id. */
  readonly #name: string
  readonly #life = new LifeCycle()
  readonly #ready = Promise.withResolvers<void>()
  readonly #done = Promise.withResolvers<void>()
  readonly #starting: Promise<void>
  readonly #openState: OpenState
  #state: LocalState | undefined
  /** Ids of the changelogs and of the topics of global tables. */
  #topicIds: ReadonlyMap<string, string> = new Map()
  #partitionCount = 0
  #tables: TableFollower | undefined
  #setAside = new SetAsideRecords()
  #group: LogGroup | undefined
  #producer: Promise<LogProducer> | undefined
  /** The group has given no tasks to this process yet, or has lost it: meanwhile another member may have fenced the producer. */
  #isNewcomer = true
  #assignment: Assignment | undefined
  #standbys: StandbyFollower | undefined
  /** By task. Replicas that a rebalance takes away are kept until the next assignment tells which process has their tasks. */
  #replicas: ReadonlyMap<number, Replica> = new Map()

  constructor(log: StreamLog, topology: Topology, options: RunOnOptions) {
    this.#log = log
    this.#topology = topology
    this.#logger = options.logger.child({ application: topology.applicationId, slot: options.slot })
    this.#limits = { ...defaultLimits, ...options.limits }
    this.#metrics = streamsMetrics(options.registry, topology.applicationId)
    this.#hooks = options.hooks ?? {}
    this.#clock = options.clock ?? systemClock
    this.#openState = options.openState ?? stateInHeap
    this.#numStandbyReplicas = options.numStandbyReplicas ?? 0
    this.#name = slotName(topology.applicationId, options.slot)
    this.ready = this.#ready.promise
    this.done = this.#done.promise
    // A caller that only watches `done` gets every error there.
    this.ready.catch(() => undefined)
    this.#starting = this.#start().catch((error: unknown) => this.#fail(error))
  }

  get state(): RuntimeState {
    return this.#life.state
  }

  get tasks(): readonly number[] {
    return this.#life.state === 'running' ? (this.#assignment?.taskNumbers ?? []) : []
  }

  get lag(): number {
    return this.#metrics.totalLag()
  }

  get standbys(): readonly number[] {
    return this.#standbys?.taskNumbers ?? []
  }

  async close({ leave = false }: { leave?: boolean } = {}): Promise<void> {
    if (this.#life.enter('closing')) {
      try {
        await Promise.all([this.#assignment?.stop(), this.#standbys?.stop()])
        await this.#tables?.close()
        await this.#starting
        await this.#group?.close({ leave })
        await (await this.#producer)?.close()
        await this.#state?.close()
        this.#life.enter('closed')
        this.#ready.reject(new Error('The topology was closed before it was ready'))
        this.#done.resolve()
      } catch (error) {
        this.#fail(error)
      }
    }
    await this.done
  }

  async #start(): Promise<void> {
    this.#partitionCount = await checkPartitions(this.#log, this.#topology)
    const tableTopics = this.#topology.tables.map((table) => table.topic)
    const partitionCounts = await this.#log.partitionCounts(tableTopics)
    this.#topicIds = await this.#log.topicIds([...new Set([...changelogsOf(this.#topology), ...tableTopics])])
    const state = await this.#openLocalState()
    if (this.#life.over) return
    this.#tables = new TableFollower({
      definitions: this.#topology.tables,
      partitionCounts,
      log: this.#log,
      logger: this.#logger,
      metrics: this.#metrics,
      stallTimeoutMs: this.#limits.stallTimeoutMs,
      maxAgeMs: this.#limits.maxReplicaAgeMs,
      clock: this.#clock,
      state,
      topicIds: this.#topicIds,
      checkEveryMs: this.#limits.standbyCheckEveryMs,
      onFailed: (error) => this.#fail(error),
    })
    const { stallTimeoutMs } = this.#limits
    const notes = { topic: this.#topology.setAsideTopic, log: this.#log, stallTimeoutMs, clock: this.#clock }
    const reading = readSetAside(notes)
    this.#producer = this.#openProducer()
    // InitProducerId ends the transaction that an earlier process of this slot left open, before the group takes this one for alive.
    const [setAside] = await Promise.all([reading, this.#tables.open(), this.#producer])
    this.#setAside = setAside
    if (!this.#life.enter('joining')) return
    this.#group = this.#log.joinGroup({
      groupId: this.#topology.applicationId,
      instanceId: this.#name,
      topics: this.#topology.sources.map((source) => source.topic),
      sessionTimeoutMs: this.#limits.sessionTimeoutMs,
      rebalanceTimeoutMs: this.#limits.rebalanceTimeoutMs,
      standbyReplicas: this.#numStandbyReplicas,
      onRevoked: () => this.#giveUpTasks('revoked'),
      onLost: () => {
        this.#isNewcomer = true
        return this.#giveUpTasks('lost')
      },
      onAssigned: (partitions, metadata, standbys = []) => this.#takeTasks(partitions, metadata, standbys),
      onFailed: (error) => this.#fail(membershipLost(this.#name, error)),
    })
  }

  async #openLocalState(): Promise<LocalState> {
    const { applicationId, stores, tables } = this.#topology
    const partitionCount = this.#partitionCount
    const format = { applicationId, partitionCount, tables: 2 * tableCount(this.#topology, partitionCount) }
    const { store, wiped } = await this.#openState(format)
    const state = new LocalState(store, { maxCacheBytes: this.#limits.maxCacheBytes })
    this.#state = state
    if (wiped !== undefined) {
      this.#logger.warn({ why: wiped }, 'the folder of the local state was wiped; it is rebuilt from the log')
      this.#metrics.wiped()
    }
    state.keepOnly({ stores: new Set(stores.map(({ name }) => name)), tables: new Set(tables.map(({ name }) => name)) })
    return state
  }

  #openProducer(): Promise<LogProducer> {
    const { transactionTimeoutMs: timeoutMs } = this.#limits
    return this.#log.openProducer({ transactionalId: this.#name, timeoutMs })
  }

  /**
   * The producer of this membership. A member that took over from a lost one has fenced its transactional id, possibly
   * after that producer was opened anew; all members have finished this when the group starts its next generation.
   */
  #ownProducer(): Promise<LogProducer> | undefined {
    if (!this.#isNewcomer) return this.#producer
    this.#isNewcomer = false
    this.#producer = this.#producer?.then(async (before) => {
      await before.close()
      return await this.#openProducer()
    })
    // This assignment waits for it; if it is revoked earlier, the next one waits.
    this.#producer?.catch(() => undefined)
    return this.#producer
  }

  /** Returns before the tasks are restored, so that the group can revoke them at any time. */
  async #takeTasks(
    partitions: readonly TopicPartition[],
    metadata: GroupMetadata,
    standbys: readonly number[],
  ): Promise<void> {
    await this.#giveUpTasks('reassigned')
    // The standby follower runs until here: records that it has read meanwhile need not be restored.
    await this.#standbys?.stop()
    const tables = this.#tables
    const state = this.#state
    const producer = this.#ownProducer()
    if (tables === undefined || state === undefined || producer === undefined || !this.#life.enter('restoring')) return
    try {
      // The group may revoke the tasks before the tables' reader answers.
      tables.assertFresh()
      const tasks = tasksOf(this.#topology, partitions)
      this.#keepReplicas([...tasks, ...standbys], { tables: tables.tables, state })
      this.#standbys = this.#followerOf(this.#replicasOf(standbys))
      const assignment = new Assignment({
        topology: this.#topology,
        replicas: this.#replicasOf(tasks),
        metadata,
        transactionalId: this.#name,
        log: this.#log,
        producer,
        tables,
        limits: this.#limits,
        metrics: this.#metrics,
        logger: this.#logger,
        hooks: this.#hooks,
        clock: this.#clock,
        setAside: this.#setAside,
        onFlushed: () => this.#metrics.stateBytes(state.bytes),
        onFailed: (error) => this.#fail(error),
      })
      this.#assignment = assignment
      this.#run(assignment).catch((error: unknown) => this.#fail(error))
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Drops tasks that this process neither owns nor follows; state on the disk is kept for as long as reading can continue from it. */
  #keepReplicas(taskNumbers: readonly number[], { tables, state }: { tables: Tables; state: LocalState }): void {
    const topology = this.#topology
    const setAside = this.#setAside
    const clock = this.#clock
    const topicIds = this.#topicIds
    const { maxRecordBytes, maxReplicaAgeMs } = this.#limits
    const partitionCount = this.#partitionCount
    const open = (number: number) => {
      const task = new Task({ topology, task: number, partitionCount, state, tables, maxRecordBytes, setAside })
      return new Replica({ task, topology, state, topicIds, clock, setAside })
    }
    this.#replicas = new Map(taskNumbers.map((task) => [task, this.#replicas.get(task) ?? open(task)]))
    for (const task of state.tasks().filter((number) => !this.#replicas.has(number))) {
      if (isOutdated(state, { task, clock, maxAgeMs: maxReplicaAgeMs })) state.forgetTask(task)
    }
  }

  #replicasOf(taskNumbers: readonly number[]): Replica[] {
    return taskNumbers.map((task) => this.#replicas.get(task)).filter((replica) => replica !== undefined)
  }

  #followerOf(replicas: readonly Replica[]): StandbyFollower {
    return new StandbyFollower({
      replicas,
      log: this.#log,
      logger: this.#logger,
      metrics: this.#metrics,
      limits: this.#limits,
      clock: this.#clock,
      setAside: this.#setAside,
      onBroken: (broken) => this.#forget(broken),
    })
  }

  /** State from which reading can't continue is neither kept nor used later. */
  #forget(broken: Replica): void {
    this.#replicas = new Map([...this.#replicas].filter(([, replica]) => replica !== broken))
    try {
      broken.distrust()
    } catch (error) {
      this.#fail(error)
    }
  }

  async #run(assignment: Assignment): Promise<void> {
    const standbys = this.#standbys
    await assignment.run()
    if (assignment.stopped || !this.#life.enter('running')) return
    this.#logger.info({ tasks: this.tasks }, 'processing')
    this.#ready.resolve()
    standbys?.start()
  }

  /** After `lost` the open transaction may fail because of the group's metadata; it then aborts, or ends the process, as usual. */
  async #giveUpTasks(why: 'revoked' | 'lost' | 'reassigned'): Promise<void> {
    const assignment = this.#assignment
    if (assignment === undefined) return
    this.#logger.info({ tasks: assignment.taskNumbers, why }, 'giving up tasks')
    await assignment.stop()
    if (this.#assignment !== assignment) return
    this.#assignment = undefined
    this.#life.enter('joining')
  }

  #fail(error: unknown): void {
    if (!this.#life.enter('failed')) return
    this.#logger.fatal({ err: error }, 'the topology has failed')
    this.#ready.reject(error)
    this.#done.reject(error)
    // The process is about to exit; nothing here may commit, leave the group or wait.
    this.#tables?.close().catch(() => undefined)
    this.#assignment?.stop().catch(() => undefined)
    this.#standbys?.stop().catch(() => undefined)
    this.#group?.close({ leave: false }).catch(() => undefined)
    this.#producer?.then((producer) => producer.close()).catch(() => undefined)
    this.#giveUpState(error)
  }

  /** State that can't be decoded must not be used by the next start. */
  #giveUpState(error: unknown): void {
    const state = this.#state
    if (state === undefined) return
    try {
      if (isUnreadable(error)) state.distrust()
    } catch (second) {
      this.#logger.warn({ err: second }, 'the local state could not be marked as unreadable: delete its folder')
    }
    state.close().catch((second: unknown) => this.#logger.warn({ err: second }, 'the local state could not be closed'))
  }
}

type Tables = TableFollower['tables']

function membershipLost(name: string, error: unknown): StreamsError {
  return new StreamsError('STREAMS_MEMBERSHIP_LOST', `${name} is out of its group: ${reasonOf(error)}`, error)
}

/** @throws StreamsError STREAMS_ASSIGNMENT_INVALID if a partition number is assigned for only some of the sources. */
function tasksOf(topology: Topology, partitions: readonly TopicPartition[]): number[] {
  const byPartition = Map.groupBy(partitions, ({ partition }) => partition)
  for (const [partition, topics] of byPartition) {
    if (topics.length === topology.sources.length) continue
    const names = topics.map(({ topic }) => topic).join(', ')
    const message = `Partition ${partition} was assigned of ${names} only, but task ${partition} needs that of every source.`
    throw new StreamsError('STREAMS_ASSIGNMENT_INVALID', message)
  }
  return [...byPartition.keys()].sort((a, b) => a - b)
}
