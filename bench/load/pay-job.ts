/** What a paying process is told, and what it tells. */
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
}

/** The counted time begins: warm-up is over. */
export type PayBegin = { readonly type: 'begin' }

export type PayDone = {
  readonly type: 'done'
  /** Of the counted time. */
  readonly seconds: number
  /** Answered with 200 within it: how long each took, in ms. */
  readonly tookMs: readonly number[]
  /** Answers other than 200, warm-up included, by status and problem. */
  readonly others: Readonly<Record<string, number>>
}
