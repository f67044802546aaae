/** The messages to and from a watching process. */
export type SseJob = {
  readonly type: 'job'
  readonly origin: string
  /** PEM. */
  readonly ca: string
  readonly path: string
  /** One a stream. */
  readonly tokens: readonly string[]
  /** HTTP/2 connections that the streams share; 0: each stream has an HTTP/1.1 connection of its own. */
  readonly connections: number
}

/** All streams are open. */
export type SseOpen = { readonly type: 'open' }

/** From now on this many events will come on every stream. */
export type SseExpect = {
  readonly type: 'expect'
  readonly events: number
  /** Whether the time of each event is measured. That takes CPU time of the process, which a burst has none of. */
  readonly isTimed: boolean
  readonly timeoutMs: number
}

export type SseDone = {
  readonly type: 'done'
  /** `Date.now()` with its fraction when the last event came. */
  readonly at: number
  /** Of events whose id tells when they were made: from then until they came, on every stream. */
  readonly tookMs: readonly number[]
  /** Of what came on all streams, as it is inside TLS. */
  readonly bytes: number
}

/** Of an event: its time in microseconds since the epoch is in its id. */
export function eventId(): string {
  return `b${Math.round(wallClock() * 1000)}`
}

export const eventIdPattern: RegExp = /"id":"b(\d+)"/g

/** ms since the epoch, with the fraction that `Date.now()` lacks; the same in all processes of a machine. */
export function wallClock(): number {
  return performance.timeOrigin + performance.now()
}
