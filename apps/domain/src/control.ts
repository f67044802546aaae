/**
 * The control interface of a development installation, `/control`: how the services are, what was done to them, and whether the books
 * hold. Times are ms since the epoch; durations are ms.
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
  /** Undefined until the running audit has looked for the first time. */
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
  /** What it said about itself last; undefined before the first word. */
  readonly vitals: ServiceVitals | undefined
  /** Since then. */
  readonly vitalsAgeMs: number | undefined
  /** When it goes on by itself. */
  readonly resumesAt: number | undefined
}

export type ServiceVitals = {
  readonly rssBytes: number
  readonly heapBytes: number
  /** Processor time since its start. */
  readonly cpuMs: number
  /** What it does, in words. */
  readonly doing: string
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

/** What the running audit has seen until its last look (apps/audit/src/running). */
export type Books = {
  readonly since: number
  readonly checkedAt: number
  /** Of the last look. */
  readonly tookMs: number
  /** Whether the last look came to the end of everything; else it judged nothing. */
  readonly isCaughtUp: boolean
  /** Transfers and requests that were judged, and transfers of which something is still to come. */
  readonly transfers: number
  readonly requests: number
  readonly open: number
  /** Commands without an answer. */
  readonly waiting: number
  /** Commands that were processed and never answered, and intents that were carried out twice. */
  readonly lost: number
  readonly doubled: number
  /** By invariant, of those that can be seen on a log. */
  readonly violations: Readonly<Record<'INV-1' | 'INV-2' | 'INV-3' | 'INV-4' | 'INV-5' | 'INV-7', number>>
  /** The first of them. */
  readonly findings: readonly { readonly invariant: string; readonly message: string; readonly record?: string }[]
}

export const actions = ['kill', 'pause', 'resume', 'restart'] as const
export type Action = (typeof actions)[number]

/** What the log can be made to do to its clients. */
export const disturbances = ['cut', 'slow'] as const
export type Disturbance = (typeof disturbances)[number]

export type Fault = {
  readonly id: number
  readonly at: number
  readonly service: string
  readonly what: Exclude<Action, 'resume'> | Disturbance
  /** After the fault: until the launcher saw that the process was gone, or stood still. */
  readonly noticedAfterMs: number | undefined
  /** After the fault: until the service said that it was ready again, or went on. */
  readonly backAfterMs: number | undefined
  /** The most commands that waited for an answer meanwhile. */
  readonly waited: number
  /** Of the books, since the fault. */
  readonly lost: number
  readonly doubled: number
}
