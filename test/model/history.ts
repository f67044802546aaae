/**
 * A history: the clients' commands and the faults, in one list, so that it is made smaller by leaving items out alone. How the processes
 * interleave is not part of it: that follows from the seed.
 */
import type { Fault } from './faults.ts'
import { describeFault } from './faults.ts'
import type { Rules } from './naive-types.ts'

export type Model =
  | 'PayCommand'
  | 'RequestCommand'
  | 'DeclineCommand'
  | 'CancelCommand'
  | 'RemindCommand'
  | 'BlockCommand'
  | 'UnblockCommand'
  | 'FavouriteCommand'
  | 'UnfavouriteCommand'

/** The fault of a record that no gateway would write. */
export type Broken =
  | 'not-json'
  | 'repeated-member'
  | 'inexact-number'
  | 'other-partition'
  | 'other-identity'
  | 'no-idempotency-key'
  | 'unknown-model'
  | 'reserved-identity'
  | 'long-identity'
  | 'long-idempotency-key'
  | 'unknown-reply-topic'

export type CommandItem = {
  readonly kind: 'command'
  /** Its name; it stays the same when other items are left out. */
  readonly number: number
  readonly by: string
  readonly model: Model
  readonly key: string
  /** For a pay, a request, and a person who is put on a list or removed from it. */
  readonly to?: string
  /** Any value: some bodies are malformed on purpose. */
  readonly amount?: unknown
  readonly notes?: string
  readonly visibility?: 'public' | 'private'
  /** An additional member of the body, which no command has. */
  readonly extra?: boolean
  /** The number of the command that made the payment request. */
  readonly request?: number
  readonly broken?: Broken
  /** The record is written twice, as after a produce with an unknown outcome. */
  readonly twice?: boolean
  /** Which answers are awaited first: none, the last one of the same client, or all. */
  readonly after: 'nobody' | 'own' | 'everybody'
}

export type ProfileItem = {
  readonly kind: 'profile'
  readonly number: number
  readonly by: string
  /** Undefined: a tombstone. */
  readonly name: string | undefined
  readonly broken?: 'other-id' | 'other-identity' | 'other-partition' | 'system-name' | 'repeated-member'
}

export type FaultItem = { readonly kind: 'fault'; readonly fault: Fault }
export type Item = CommandItem | ProfileItem | FaultItem

export type Settings = {
  readonly partitionCount: number
  readonly slots: number
  /** How much time a step takes on average. */
  readonly paceMs: number
  readonly speeds: readonly number[]
  readonly maxBatchRecords: number
  readonly maxQueuedRecords: number
  readonly rules: Rules
  readonly numStandbyReplicas: number
  readonly standbyCheckEveryMs: number
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly transactionTimeoutMs: number
  readonly trimEveryMs: number
  readonly minTrimRecords: number
  readonly flushEveryMs: number
  readonly maxUnflushedEntries: number
  readonly maxCacheBytes: number
  /** Calls that may be under way at once. */
  readonly maxOutstanding: number
}

export type History = {
  /** Of the scheduler. */
  readonly seed: number
  readonly settings: Settings
  readonly items: readonly Item[]
  /** Commands after all faults are over and all processes were started again: they show the restored state of the stores. */
  readonly epilogue: readonly CommandItem[]
}

export function commandsOf(history: History): number {
  return [...history.items, ...history.epilogue].filter((item) => item.kind === 'command').length
}

export function faultsOf(history: History): number {
  return history.items.filter((item) => item.kind === 'fault').length
}

/** For people: a line for each item. */
export function describeHistory({ seed, settings, items, epilogue }: History): string {
  const lines = [`scheduler seed ${seed}`, `settings ${JSON.stringify(settings)}`, ...items.map(describeItem)]
  if (epilogue.length > 0) lines.push('all faults end, every process is started again, everything is drained')
  return [...lines, ...epilogue.map(describeItem)].join('\n')
}

function describeItem(item: Item): string {
  switch (item.kind) {
    case 'fault':
      return `      – ${describeFault(item.fault)}`
    case 'profile': {
      const what = item.name === undefined ? 'removes their profile' : `is now called ${item.name}`
      return `${label(item.number)}${item.by} ${what}${item.broken === undefined ? '' : ` (broken: ${item.broken})`}`
    }
    case 'command':
      return `${label(item.number)}${item.by} ${deed(item)}${circumstances(item)}`
  }
}

function deed({ model, to, amount, request }: CommandItem): string {
  const ofRequest = request === undefined ? '' : ` of #${request}`
  switch (model) {
    case 'PayCommand':
      return `pays ${to} ${String(amount)}${request === undefined ? '' : ` for the request${ofRequest}`}`
    case 'RequestCommand':
      return `asks ${to} for ${String(amount)}`
    case 'DeclineCommand':
      return `declines the request${ofRequest}`
    case 'CancelCommand':
      return `cancels the request${ofRequest}`
    case 'RemindCommand':
      return `reminds of the request${ofRequest}`
    case 'BlockCommand':
      return `blocks ${to}`
    case 'UnblockCommand':
      return `unblocks ${to}`
    case 'FavouriteCommand':
      return `has ${to} as a favourite`
    case 'UnfavouriteCommand':
      return `has ${to} as a favourite no more`
  }
}

function circumstances({ key, twice, broken, extra, after, notes, visibility }: CommandItem): string {
  const told = [`key ${key}`]
  if (notes !== undefined) told.push('with notes')
  if (visibility !== undefined) told.push(visibility)
  if (extra === true) told.push('with an unknown member')
  if (broken !== undefined) told.push(`broken: ${broken}`)
  if (twice === true) told.push('written twice')
  if (after === 'own') told.push('when the last answer is there')
  if (after === 'everybody') told.push('when all are answered')
  return ` (${told.join(', ')})`
}

function label(number: number): string {
  return `#${number}`.padEnd(6)
}
