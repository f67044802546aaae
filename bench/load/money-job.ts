/** The messages to and from the process that sends commands. */
import type { MoneyTopics } from '../support/money-path.ts'

export type MoneyOpen = {
  readonly type: 'open'
  readonly brokers: readonly string[]
  readonly topics: MoneyTopics
  readonly accounts: number
  /** Whether the processor keeps keys and balances: then both are checked after each measurement, otherwise only the replies. */
  readonly keepsState: boolean
}

/** This many commands are always under way. Answered with `begin`, `counted` and `checked`. */
export type MoneyMeasure = {
  readonly type: 'measure'
  readonly inFlight: number
  readonly warmUpSeconds: number
  readonly seconds: number
}

/** The counted time begins: warm-up is over. */
export type MoneyBegin = { readonly type: 'begin' }

/** The counted time is over; `commands` were answered within it. */
export type MoneyCounted = {
  readonly type: 'counted'
  readonly commands: number
  readonly figures: Readonly<Record<'perSecond' | 'p50Ms' | 'p99Ms', number>>
}

/** All commands are answered, each once, and the balances are what follows from them. */
export type MoneyChecked = { readonly type: 'checked'; readonly commands: number }
