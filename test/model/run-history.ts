/**
 * Runs one history from its beginning until it is quiet, and checks everything that must be true:
 *
 *     items, with their faults ─► all killed, all started again ─► quiet ─► epilogue ─► quiet ─► checks
 */
import { topics } from '@streampay/domain'
import type { StoreImage } from '@streampay/local-store/memory'
import { checkAll } from './checks.ts'
import { Clients } from './clients.ts'
import { allDuties, Cluster, type Duties } from './cluster.ts'
import type { Disks } from './disks.ts'
import { type App, ArmedFaults, type Fault, isPointFault, type WorldFault } from './faults.ts'
import { generate } from './generate.ts'
import type { History, Item } from './history.ts'
import { Random } from './random.ts'
import { Scheduler } from './scheduler.ts'
import { Services } from './services.ts'

export type RunOptions = {
  readonly duties?: Duties
  /** Called for every step. */
  readonly trace?: (line: string) => void
}

export type Run = {
  /** Each with the name of the check in front; empty if all is well. */
  readonly violations: readonly string[]
  /** Equal only for equal runs. */
  readonly hash: number
  readonly steps: number
  readonly simulatedMs: number
  readonly transactions: number
  readonly faults: ReadonlyMap<string, number>
}

const maxSteps = 400_000
const maxDrainSteps = 200_000
const hourMs = 3_600_000

/** An error of the model itself is a violation too: then its seed is reported, and the history made small. */
export async function runHistory(history: History, options: RunOptions = {}): Promise<Run> {
  try {
    return await new HistoryRun(history, options).run()
  } catch (error) {
    const told = error instanceof Error ? (error.stack ?? error.message) : String(error)
    const violations = [`model: the model itself failed: ${told}`]
    return { violations, hash: 0, steps: 0, simulatedMs: 0, transactions: 0, faults: new Map() }
  }
}

function isForeign(item: Item): boolean {
  return item.kind === 'fault' && item.fault.kind === 'state' && item.fault.how === 'foreign'
}

/** The disk of a process that worked on another log, of another seed. */
async function foreignState({ seed, settings }: History): Promise<ReadonlyMap<App, StoreImage>> {
  const other = generate({ seed: seed + 1_000_003, commands: 30, maxSlots: 1 })
  const { partitionCount } = settings
  const items = other.items.filter((item) => !isForeign(item))
  const run = new HistoryRun({ ...other, items, settings: { ...other.settings, partitionCount } }, {})
  await run.run()
  return run.disks.imagesOf(0)
}

class HistoryRun {
  readonly #history: History
  readonly #scheduler: Scheduler
  readonly #cluster: Cluster
  readonly #faults = new ArmedFaults()
  readonly #clients: Clients
  readonly #services: Services

  constructor(history: History, { duties = allDuties, trace }: RunOptions) {
    this.#history = history
    const { seed, settings } = history
    const random = new Random(seed, 'schedule')
    this.#scheduler = new Scheduler({ random, paceMs: settings.paceMs, speeds: settings.speeds })
    this.#scheduler.trace = trace
    const isStamped = ({ config }: (typeof topics)[number]) => config['message.timestamp.type'] === 'LogAppendTime'
    this.#cluster = new Cluster({
      scheduler: this.#scheduler,
      random,
      topics: topics.map(({ name }) => name),
      compacted: new Set(topics.filter(({ config }) => config['cleanup.policy'] === 'compact').map(({ name }) => name)),
      logAppendTime: new Set(topics.filter(isStamped).map(({ name }) => name)),
      partitionCount: settings.partitionCount,
      duties,
    })
    this.#clients = new Clients(this.#cluster, settings)
    const {
      rules,
      numStandbyReplicas,
      partitionCount: _p,
      slots: _s,
      paceMs: _m,
      speeds: _v,
      maxOutstanding: _o,
      ...limits
    } = settings
    const counts = { rules, numStandbyReplicas }
    this.#services = new Services({ cluster: this.#cluster, faults: this.#faults, limits, ...counts })
  }

  get disks(): Disks {
    return this.#services.disks
  }

  async run(): Promise<Run> {
    // In the product it would end the process, with all its other work.
    const onUnheard = (error: unknown) => this.#cluster.faults.push(`an unhandled rejection: ${String(error)}`)
    process.on('unhandledRejection', onUnheard)
    try {
      return await this.#run()
    } finally {
      process.off('unhandledRejection', onUnheard)
    }
  }

  async #run(): Promise<Run> {
    const { items, epilogue } = this.#history
    if (items.some(isForeign)) this.#services.disks.foreign = await foreignState(this.#history)
    this.#startAll()
    this.#clients.go(items, ({ fault }) => this.#happen(fault))
    const violations: string[] = []
    const isOver = () => this.#clients.idle || this.#cluster.faults.length > 0
    if (!(await this.#scheduler.runUntil(isOver, maxSteps)))
      violations.push('progress: the history did not come to its end')
    this.#faults.disarm()
    this.#services.killAll()
    this.#startAll()
    if (violations.length === 0) violations.push(...(await this.#drain('everything was started again')))
    if (violations.length === 0) {
      this.#clients.go(epilogue, () => 0)
      violations.push(...(await this.#drain('the epilogue')))
    }
    violations.push(...this.#cluster.faults.map((fault) => `processes: ${fault}`))
    violations.push(...checkAll({ history: this.#history, cluster: this.#cluster, clients: this.#clients }))
    this.#services.killAll()
    this.#scheduler.observe(this.#cluster.committed.length)
    return {
      violations,
      hash: this.#scheduler.hash,
      steps: this.#scheduler.steps,
      simulatedMs: this.#scheduler.elapsed,
      transactions: this.#cluster.committed.length,
      faults: this.#faults.happened,
    }
  }

  #startAll(): void {
    for (let slot = 0; slot < this.#history.settings.slots; slot++) this.#services.start(slot)
  }

  async #drain(after: string): Promise<string[]> {
    const isOver = () => this.#cluster.faults.length > 0 || (this.#clients.idle && this.#cluster.quiet())
    if (await this.#scheduler.runUntil(isOver, maxDrainSteps)) return []
    return [`progress: stuck after ${after}: ${this.#cluster.remains().join('; ')}`]
  }

  /** Returns how long the clients pause after it, in ms. */
  #happen(fault: Fault): number {
    if (isPointFault(fault)) this.#faults.arm(fault)
    else this.#happenNow(fault)
    return fault.kind === 'lull' ? fault.forMs : 0
  }

  #happenNow(fault: WorldFault): void {
    this.#faults.count(fault.kind)
    const services = this.#services
    switch (fault.kind) {
      case 'hold-markers':
        this.#cluster.holdMarkers(`${fault.topic}/${fault.partition}`, fault.forMs)
        break
      case 'state':
        services.harmState(fault)
        break
      case 'start':
        if (services.processes(fault.slot).length === 0) services.start(fault.slot)
        break
      case 'twin':
        if (services.processes(fault.slot).length === 1) services.start(fault.slot)
        break
      case 'stop':
        services.stop(fault.slot, fault)
        break
      case 'expire':
        this.#cluster.group(`streampay-${fault.app}`).expire(`streampay-${fault.app}-slot-${fault.slot}`)
        break
      case 'lull':
        break
      case 'compact':
        this.#cluster.compact()
        break
      case 'time-passes':
        this.#cluster.pass(fault.hours * hourMs)
        this.#clients.era++
        break
    }
  }
}
