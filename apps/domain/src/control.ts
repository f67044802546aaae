/**
 * The control interface of a development installation, `/control`: the state of the services, the faults that were caused, and whether the
 * books balance. Times are ms since the epoch; durations are ms.
 *
 *     GET  /control/state                        ControlState
 *     POST /control/services/{name}/{action}     202 with the Fault, or {} for `resume`; 409 if it can't be done now
 *     POST /control/log/{disturbance}            the same
 *     PUT  /control/simulation {"speed": 2}      202
 */
export type ControlState = {
  readonly now: number
  readonly services: readonly ServiceTile[]
  /** The last minute, a second each, oldest first. */
  readonly payments: readonly Second[]
  /** Undefined until the running audit has finished its first look. */
  readonly books: Books | undefined
  /** The last faults, newest first. */
  readonly faults: readonly Fault[]
  readonly simulation: { readonly speed: number } | undefined
}

export type ServiceKind = 'log' | 'issuer' | 'payments' | 'gateway' | 'simulation'

export type ServiceState = 'starting' | 'running' | 'paused' | 'down'

export type ServiceTile = {
  readonly name: string
  readonly kind: ServiceKind
  readonly state: ServiceState
  readonly pid: number | undefined
  readonly uptimeMs: number | undefined
  readonly restarts: number
  /** Its last message about itself; undefined before the first one. */
  readonly vitals: ServiceVitals | undefined
  /** Since then. */
  readonly vitalsAgeMs: number | undefined
  /** When a paused service continues by itself. */
  readonly resumesAt: number | undefined
}

/** The present work of a service. */
export type ServiceDoing =
  | { readonly what: 'opens-log' | 'waits-for-log' | 'restores-state' | 'builds-views' | 'stands-by' }
  | { readonly what: 'serves-connections' | 'serves-streams'; readonly count: number }
  | { readonly what: 'processes-partitions'; readonly partitions: readonly number[] }
  | { readonly what: 'changes-state'; readonly state: TopologyState }
  | { readonly what: 'simulates'; readonly people: number; readonly speed: number }

/** Of a topology that does not process: those of packages/streams but `running`. */
export type TopologyState = 'starting' | 'joining' | 'restoring' | 'closing' | 'closed' | 'failed'

export type ServiceVitals = {
  readonly rssBytes: number
  readonly heapBytes: number
  /** Processor time since its start. */
  readonly cpuMs: number
  readonly doing: ServiceDoing
  /** Figures of its own: `lag` in records, `waiting` commands, and others. */
  readonly figures: Readonly<Record<string, number>>
}

/** Commands that were answered in one second. */
export type Second = {
  readonly at: number
  readonly count: number
  readonly p50Ms: number | undefined
  readonly p99Ms: number | undefined
}

/** The results of the running audit up to its last look (apps/audit/src/running). */
export type Books = {
  readonly since: number
  readonly checkedAt: number
  /** The time of the last look. */
  readonly tookMs: number
  /** Whether the last look reached the end of every topic; if not, it judged nothing. */
  readonly isCaughtUp: boolean
  /** Transfers and requests that were judged, and transfers of which records are still missing. */
  readonly transfers: number
  readonly requests: number
  readonly open: number
  /** Commands without an answer. */
  readonly waiting: number
  /** Commands that were processed and never answered, and intents that were carried out twice. */
  readonly lost: number
  readonly doubled: number
  /** By invariant, for those that can be checked on a log. */
  readonly violations: Readonly<Record<'INV-1' | 'INV-2' | 'INV-3' | 'INV-4' | 'INV-5' | 'INV-7', number>>
  /** The first of them. */
  readonly findings: readonly { readonly invariant: string; readonly message: string; readonly record?: string }[]
}

export const actions = ['kill', 'pause', 'resume', 'restart'] as const
export type Action = (typeof actions)[number]

/** The disturbances that the log can cause for its clients. */
export const disturbances = ['cut', 'slow'] as const
export type Disturbance = (typeof disturbances)[number]

export type Fault = {
  readonly id: number
  readonly at: number
  readonly service: string
  readonly what: Exclude<Action, 'resume'> | Disturbance
  /** After the fault: until the launcher saw that the process was gone or did not answer. */
  readonly noticedAfterMs: number | undefined
  /** After the fault: until the service was ready again or continued. */
  readonly backAfterMs: number | undefined
  /** The most commands that waited for an answer meanwhile. */
  readonly waited: number
  /** From the books, since the fault. */
  readonly lost: number
  readonly doubled: number
}
