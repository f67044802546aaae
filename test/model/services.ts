/**
 * The payments service in its slots: real topologies on the real runtime, two of them in every process, as in the product. A process whose
 * topology fails exits as a whole and is started again by its supervisor, as by the launcher.
 */
import { BrokerError, FencedError } from '@streampay/kafka'
import {
  bytesOfKey,
  type PaymentsLimits,
  defaultLimits as paymentsLimits,
  paymentsTopology,
  statisticsCommitIntervalMs,
  statisticsTopology,
} from '@streampay/payments'
import type { Limits, Punctuator, RunningTopology, SourceDefinition, Topology } from '@streampay/streams'
import { defaultLimits, StreamsError } from '@streampay/streams'
import { type Moment, moment, msSince } from '../../packages/streams/src/log/stream-clock.ts'
import { runOn } from '../../packages/streams/src/runtime/runtime.ts'
import type { OpenState } from '../../packages/streams/src/state/state-options.ts'
import { silent as logger, sharedRegistry as registry } from '../../packages/streams/test/support/unobserved.ts'
import { type Cluster, punctuatorOf } from './cluster.ts'
import { Disks } from './disks.ts'
import type { App, ArmedFaults, StateFault } from './faults.ts'
import type { Rules } from './naive-types.ts'
import { SimulatedLog } from './simulated-log.ts'
import { SimulatedProcess } from './simulated-process.ts'

export const apps = ['payments', 'statistics'] as const

export type ServicesOptions = {
  readonly cluster: Cluster
  readonly faults: ArmedFaults
  readonly limits: Partial<Limits>
  readonly rules: Rules
  readonly numStandbyReplicas: number
}

type Service = {
  readonly process: SimulatedProcess
  readonly startedAt: Moment
  readonly running: Map<App, RunningTopology>
  /** It is being ended in order. */
  closing: boolean
}

/** How long a supervisor takes to start a process again after its exit. */
const backMs = 300

export class Services {
  readonly #options: ServicesOptions
  readonly #services = new Set<Service>()
  /** Slots in which a process will be started again. */
  readonly #due = new Map<number, () => void>()
  readonly disks = new Disks()
  #incarnations = 0

  constructor(options: ServicesOptions) {
    this.#options = options
  }

  /** The running processes of a slot, the oldest first. */
  processes(slot: number): SimulatedProcess[] {
    return [...this.#services].filter(({ process }) => process.slot === slot).map(({ process }) => process)
  }

  get count(): number {
    return this.#services.size
  }

  /** Starts a process in the slot, even if others run there. */
  start(slot: number): void {
    this.#due.get(slot)?.()
    this.#due.delete(slot)
    const { cluster, faults } = this.#options
    const process = new SimulatedProcess({
      cluster,
      faults,
      slot,
      name: `process ${slot} #${this.#incarnations++}`,
      onEnd: (_, { backAfterMs }) => {
        this.#services.delete(service)
        if (backAfterMs !== undefined) this.#startLater(slot, backAfterMs)
      },
    })
    const isAlone = this.processes(slot).length === 0
    const service: Service = { process, startedAt: moment(process.clock), running: new Map(), closing: false }
    this.#services.add(service)
    cluster.scheduler.note(process.actor, 'starts')
    for (const app of apps) this.#run(service, app, this.disks.open(process, app, { isAlone }))
  }

  /** Changes the disk of a slot. */
  harmState(fault: StateFault): void {
    const [first] = this.processes(fault.slot)
    if (fault.how === 'full') {
      if (first !== undefined) for (const app of apps) this.disks.fill(first, app)
      return
    }
    const slots = fault.how === 'swapped' ? [fault.slot, fault.other] : [fault.slot]
    for (const slot of new Set(slots)) {
      for (const process of this.processes(slot)) process.crash({ backAfterMs: fault.backAfterMs })
    }
    this.disks.replace(fault)
  }

  /** Ends the slot's processes in order; paused ones are killed, since they could not take a request to stop. */
  stop(slot: number, { leave, backAfterMs }: { leave: boolean; backAfterMs: number | undefined }): void {
    for (const service of [...this.#services].filter(({ process }) => process.slot === slot)) {
      if (service.process.actor.frozen || service.closing) {
        service.process.crash({ backAfterMs })
        continue
      }
      service.closing = true
      this.#options.cluster.scheduler.note(service.process.actor, 'is ended in order')
      const ends = [...service.running.values()].map((topology) => topology.close({ leave }))
      Promise.all(ends).then(
        () => {
          if (service.process.over) return
          service.process.end()
          this.#services.delete(service)
          this.#options.cluster.scheduler.note(service.process.actor, 'has ended')
          if (backAfterMs !== undefined) this.#startLater(slot, backAfterMs)
        },
        // The failure of a topology ends the process; the code that runs the topology handles that.
        () => undefined,
      )
    }
  }

  killAll(): void {
    for (const { process } of [...this.#services]) process.crash()
    for (const cancel of this.#due.values()) cancel()
    this.#due.clear()
  }

  #startLater(slot: number, ms: number): void {
    this.#due.get(slot)?.()
    const { scheduler, housekeeper } = this.#options.cluster
    const start = () => {
      this.#due.delete(slot)
      if (this.processes(slot).length === 0) this.start(slot)
    }
    this.#due.set(slot, scheduler.after(housekeeper, ms, start))
  }

  #run(service: Service, app: App, openState: OpenState): void {
    const { rules, numStandbyReplicas } = this.#options
    const { process } = service
    const topology = app === 'payments' ? paymentsTopology(limitsOf(rules)) : statisticsTopology()
    const limits =
      app === 'payments'
        ? this.#options.limits
        : { ...this.#options.limits, commitIntervalMs: statisticsCommitIntervalMs }
    const { slot, clock } = process
    const log = new SimulatedLog(process, app)
    const options = { slot, numStandbyReplicas, logger, registry, limits, clock, openState }
    const running = runOn(log, noting(topology, process, app), options)
    service.running.set(app, running)
    running.done.catch((error: unknown) => this.#failed(service, { app, error, isStale: log.isStale }))
  }

  #failed(
    { process, startedAt }: Service,
    { app, error, isStale }: { app: App; error: unknown; isStale: boolean },
  ): void {
    if (process.over) return
    const { cluster } = this.#options
    const told = error instanceof Error ? `${error.name} ${error.message}` : String(error)
    cluster.scheduler.note(process.actor, `${app} has failed: ${told}`)
    const isFenced = cluster.isFencedByOthers(`streampay-${app}-slot-${process.slot}`, process.name)
    const hasSlept = msSince(process.clock, startedAt) > defaultLimits.maxReplicaAgeMs
    const isExpected = isExpectedEnd(error, { injected: process.injected, isFenced, isStale, hasSlept })
    if (!isExpected) cluster.faults.push(`${app} of ${process.name} has failed: ${told}`)
    process.crash({ backAfterMs: backMs })
  }
}

function limitsOf({ maxIdempotencyKeys, maxKeysOfIdentity, maxFavourites, ...requests }: Rules): PaymentsLimits {
  const maxIdempotencyBytes = maxIdempotencyKeys * bytesOfKey
  const maxBytesOfIdentity = maxKeysOfIdentity * bytesOfKey
  return { ...paymentsLimits, maxIdempotencyBytes, maxBytesOfIdentity, requests, maxFavourites }
}

/** The same topology, which also notes every record that it has processed, and every time that a punctuator deleted something. */
function noting(topology: Topology, simulated: SimulatedProcess, app: App): Topology {
  const work = simulated.work[app]
  const sources = topology.sources.map((source): SourceDefinition => {
    const process: SourceDefinition['process'] = (record, context) => {
      const { topic, partition, offset } = record
      let waits = false
      try {
        const wait = source.process(record, context)
        waits = wait !== undefined
        return wait
      } finally {
        if (!waits) work.processed({ topic, partition, offset })
      }
    }
    return { ...source, process }
  })
  const punctuators = (topology.punctuators ?? []).map(({ everyMs, run }): Punctuator => {
    const noted: Punctuator['run'] = (streamTime, context) => {
      const kept = () => topology.stores.reduce((total, { name }) => total + [...context.store(name).range()].length, 0)
      const before = kept()
      let sent = 0
      const counting: typeof context = Object.create(context, {
        send: {
          value: (...args: Parameters<typeof context.send>) => {
            sent += 1
            context.send(...args)
          },
        },
      })
      run(streamTime, counting)
      // A punctuator that had nothing to do is no part of any transaction.
      if (sent === 0 && kept() === before) return
      work.processed({ topic: punctuatorOf(everyMs), partition: context.task, offset: streamTime })
    }
    return { everyMs, run: noted }
  })
  return { ...topology, sources, punctuators }
}

export type Circumstances = {
  /** Errors that were injected. */
  readonly injected: ReadonlySet<unknown>
  /** Another process has taken its producer's epoch, or the log has, after the transaction timed out. */
  readonly isFenced: boolean
  /** The group has made a generation without it. */
  readonly isStale: boolean
  /** So much time has passed since it began, nearly all of it in one jump, that its tables may be out of date. */
  readonly hasSlept: boolean
}

/** Ends that the runtime may have, each only for a reason that was recorded. */
export function isExpectedEnd(error: unknown, { injected, isFenced, isStale, hasSlept }: Circumstances): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (injected.has(cause)) return true
    if (cause instanceof BrokerError) return isStale && cause.brokerError === 'FENCED_INSTANCE_ID'
    if (cause instanceof FencedError && cause.cause === undefined) return isFenced
  }
  if (error instanceof StreamsError && error.code === 'STREAMS_TABLES_OUTDATED') return hasSlept
  return isStale && isOfZombie(error)
}

/** What a process may find after it was excluded meanwhile: its successor has continued, and deleted what it consumed. */
function isOfZombie(error: unknown): boolean {
  return error instanceof StreamsError && ['STREAMS_INPUT_GAP', 'STREAMS_OFFSETS_DIFFER'].includes(error.code)
}
