/**
 * The faults, as items of a history. A fault that names a point waits, armed, until a process of its slot comes to that point of its work;
 * so the rest of a history keeps its meaning when items are left out.
 */
import { AbortableError, KafkaError, UnknownOutcomeError } from '@streampay/kafka'

/** The points at which the real runtime awaits the log. */
export const points = [
  'partitionCounts',
  'topicIds',
  'offsets',
  'committed',
  'claim',
  'liveInstances',
  'endTransactionOf',
  'openProducer',
  'send',
  'sendOffsets',
  'commit',
  'abort',
  'poll',
  'close',
  'deleteRecords',
  'join',
  'heartbeat',
  'leave',
] as const
export type Point = (typeof points)[number]

/** Before the call takes effect, or after it, before the caller gets its result. */
export type Side = 'before' | 'after'
export type App = 'payments' | 'statistics'
export type Place = { readonly slot: number; readonly app: App; readonly point: Point; readonly side: Side }

export type InjectedError = 'abortable' | 'unknown' | 'timeout'

/** At a point of a process. */
export type PointFault = { readonly place: Place } & (
  | {
      readonly kind: 'crash'
      /** Requests on their way take effect nevertheless, some time later. */
      readonly arrives: boolean
      /** Undefined: the slot stays empty. */
      readonly backAfterMs: number | undefined
    }
  /** As SIGSTOP and SIGCONT. */
  | { readonly kind: 'pause'; readonly forMs: number }
  /** Only this call takes this long; others continue. */
  | { readonly kind: 'delay'; readonly forMs: number }
  /** With `before`, the call had no effect; with `after`, it had. */
  | { readonly kind: 'error'; readonly error: InjectedError }
)

/**
 * The disk of a slot fills up, which ends its process; or the process is killed and its disk is changed while it is down: it is empty,
 * damaged, as it was at an earlier time (`age` of 0 is the earliest), that of another slot, or of another log whose topics have the same
 * ids, as if that log had replaced this one.
 */
export type StateFault = {
  readonly kind: 'state'
  readonly slot: number
  readonly how: 'lost' | 'torn' | 'stale' | 'swapped' | 'foreign' | 'full'
  readonly other: number
  readonly age: number
  readonly backAfterMs: number | undefined
}

/** At once, when the item's turn comes. */
export type WorldFault =
  /** Commit markers of this partition come late; everything else continues (KAFKA-10167). */
  | { readonly kind: 'hold-markers'; readonly topic: string; readonly partition: number; readonly forMs: number }
  | StateFault
  | { readonly kind: 'start'; readonly slot: number }
  /** Ends a process in order. */
  | { readonly kind: 'stop'; readonly slot: number; readonly leave: boolean; readonly backAfterMs: number | undefined }
  /** A second process starts in a slot whose first one runs. */
  | { readonly kind: 'twin'; readonly slot: number }
  /** The group removes the member, although it runs. */
  | { readonly kind: 'expire'; readonly slot: number; readonly app: App }
  /** The log removes records that newer ones of the same key have replaced, and tombstones after a day. */
  | { readonly kind: 'compact' }
  /** The clients send nothing. */
  | { readonly kind: 'lull'; readonly forMs: number }
  /** The log's clock is set forward by this; no timer fires. Quiet: only when every command is answered. */
  | { readonly kind: 'time-passes'; readonly hours: number; readonly quiet: boolean }

export type Fault = PointFault | WorldFault

export function isPointFault(fault: Fault): fault is PointFault {
  return 'place' in fault
}

/** The error that a call ends with. */
export function errorOf(error: InjectedError, point: Point): Error {
  switch (error) {
    case 'abortable':
      return new AbortableError(`injected at ${point}`)
    case 'unknown':
      return new UnknownOutcomeError(`injected at ${point}`)
    case 'timeout':
      return new KafkaError('KAFKA_TIMEOUT', `injected at ${point}`)
  }
}

/** Faults that wait for their point. */
export class ArmedFaults {
  #armed: PointFault[] = []
  /** How many of each kind have happened. */
  readonly happened = new Map<string, number>()

  arm(fault: PointFault): void {
    this.#armed.push(fault)
  }

  disarm(): void {
    this.#armed = []
  }

  /** The fault at this point, if there is one; it is then no longer armed. */
  take({ slot, app, point, side }: Place): PointFault | undefined {
    if (this.#armed.length === 0) return undefined
    const index = this.#armed.findIndex(
      ({ place }) => place.slot === slot && place.app === app && place.point === point && place.side === side,
    )
    if (index === -1) return undefined
    const [fault] = this.#armed.splice(index, 1)
    if (fault !== undefined) this.count(fault.kind)
    return fault
  }

  count(kind: Fault['kind']): void {
    this.happened.set(kind, (this.happened.get(kind) ?? 0) + 1)
  }
}

export function describeFault(fault: Fault): string {
  if (isPointFault(fault)) {
    const { slot, app, point, side } = fault.place
    return `process ${slot}, ${app}, ${side} ${point}: ${whatHappens(fault)}`
  }
  return describeWorldFault(fault)
}

function describeWorldFault(fault: WorldFault): string {
  switch (fault.kind) {
    case 'hold-markers':
      return `commit markers of ${fault.topic}/${fault.partition} come ${fault.forMs} ms late`
    case 'state':
      return describeStateFault(fault)
    case 'start':
      return `process ${fault.slot} starts`
    case 'stop':
      return `process ${fault.slot} is ended in order${fault.leave ? ', for good' : ''}${back(fault.backAfterMs)}`
    case 'twin':
      return `a second process starts in slot ${fault.slot}`
    case 'expire':
      return `the group forgets the ${fault.app} member of process ${fault.slot}`
    case 'compact':
      return 'the log compacts its topics'
    case 'lull':
      return `no command is sent for ${fault.forMs} ms`
    case 'time-passes':
      return `${fault.hours} hours pass${fault.quiet ? ', when all are answered' : ''}`
  }
}

function describeStateFault({ slot, how, other, age, backAfterMs }: StateFault): string {
  if (how === 'full') return `the disk of process ${slot} is full`
  const found = {
    lost: 'lost',
    torn: 'damaged',
    stale: `of an older time (${age})`,
    swapped: `that of slot ${other}`,
    foreign: 'that of another log',
  }
  return `process ${slot} crashes, and its state is ${found[how]}${back(backAfterMs)}`
}

function whatHappens(fault: PointFault): string {
  switch (fault.kind) {
    case 'crash':
      return `it crashes${fault.arrives ? ', what is on its way arrives' : ''}${back(fault.backAfterMs)}`
    case 'pause':
      return `it stands still for ${fault.forMs} ms`
    case 'delay':
      return `the call takes ${fault.forMs} ms`
    case 'error':
      return `the call fails (${fault.error})`
  }
}

function back(ms: number | undefined): string {
  return ms === undefined ? '' : `; back after ${ms} ms`
}
