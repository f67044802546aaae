/** The messages to and from a paying process. */
export type PayJob = {
  readonly type: 'job'
  readonly origin: string
  /** PEM. */
  readonly ca: string
  readonly payers: readonly { readonly id: string; readonly token: string }[]
  readonly inFlight: number
  readonly connections: number
  readonly warmUpSeconds: number
  readonly seconds: number
  /**
   * Instead of a closed loop: this many begin each second, independent of those before, and the time of each counts from its planned
   * beginning. `inFlight` then only bounds the connections.
   */
  readonly perSecond?: number
  /** Over HTTP/1.1, one request of a connection at a time, instead of HTTP/2. */
  readonly http1?: boolean
  /** Counts are sent in parts of this many seconds; by default at the end. */
  readonly partSeconds?: number
}

/** The counted time begins: warm-up is over. */
export type PayBegin = { readonly type: 'begin' }

export type PayPart = Omit<PayDone, 'type'> & { readonly type: 'part' }

export type PayDone = {
  readonly type: 'done'
  /** Of the counted time. */
  readonly seconds: number
  /** Answered with 200 within it: how long each took, in ms. */
  readonly tookMs: readonly number[]
  /** Answers other than 200, warm-up included, by status and problem; 0 is none at all. */
  readonly others: Readonly<Record<string, number>>
}
