/**
 * Which intents a task has decided in the last 24 hours of log time, and how (INV-3). A key names an intent of one
 * identity. An entry that is past its time counts as absent, whether or not the punctuator has removed it yet.
 */
import { decodeOutcome, encodeOutcome, idempotencyKeptMs, type Outcome, topicNames } from '@streampay/domain'
import type { KeyValueStore, ProcessorContext, Punctuator, StoreDefinition } from '@streampay/streams'
import { encodeJson, parseJson } from './serdes.ts'

/** An array in the changelog, since there may be millions: log time in ms, fingerprint, encoded outcome. */
type Entry = readonly [at: number, fingerprint: string, outcome: string]

export const idempotencyStore: StoreDefinition<Entry> = {
  name: 'idempotency',
  value: {
    encode: encodeJson,
    decode(bytes) {
      const value = parseJson(bytes)
      if (!isEntry(value)) throw new Error('the value is not an idempotency entry')
      return value
    },
  },
}

function isEntry(value: unknown): value is Entry {
  return (
    Array.isArray(value) &&
    value.length === 3 &&
    typeof value[0] === 'number' &&
    typeof value[1] === 'string' &&
    typeof value[2] === 'string'
  )
}

/** The store key of a client's idempotency key. The length keeps two pairs of identity and key from meeting. */
export function clientKey(identity: string, idempotencyKey: string): string {
  return `${identity.length}:${identity}${idempotencyKey}`
}

/** The store key under which the debtor's task keeps the outcome of a cancel, apart from all keys of clients. */
export function intentKey(intent: string): string {
  return `${intentPrefix}${intent}`
}

/** Keys of clients begin with a digit. */
function isIntentKey(key: string): boolean {
  return key.startsWith(intentPrefix)
}

const intentPrefix = 'intent:'

export type Remembered = { readonly fingerprint: string; readonly outcome: Outcome }

/**
 * @param at Log time of the command that asks, in ms: its key was alive or not when it came. Stream time may be far ahead,
 * since a service that was away for long reads the other inputs first.
 */
export function recall(context: ProcessorContext, key: string, at: number): Remembered | undefined {
  const entry = entriesOf(context).get(key)
  if (entry === undefined || isExpired(entry, at)) return undefined
  return { fingerprint: entry[1], outcome: decodeOutcome(entry[2]) }
}

export function remember(context: ProcessorContext, key: string, { fingerprint, outcome }: Remembered): void {
  entriesOf(context).set(key, [context.streamTime, fingerprint, encodeOutcome(outcome)])
}

/** How many intents the task holds, those not yet purged included. */
export function rememberedCount(context: ProcessorContext): number {
  return entriesOf(context).size
}

/** How much older than one before it a command may say that it is: gateways' clocks differ. */
const purgeGraceMs = 60 * 60 * 1000

/**
 * The removal of what no record that is still to come can ask for, bounded so that no transaction grows with a backlog. The
 * time is that of the source which asks, however far stream time is ahead of it.
 */
export const idempotencyPurge: Punctuator = {
  everyMs: 5 * 60 * 1000,
  run(_streamTime, context) {
    const entries = context.store<Entry>(idempotencyStore.name)
    const commandsAt = context.sourceTime(topicNames.commands) - purgeGraceMs
    const intentsAt = context.sourceTime(topicNames.requestsRepartition) - purgeGraceMs
    const expired: string[] = []
    for (const [key, entry] of entries.entries()) {
      if (isExpired(entry, isIntentKey(key) ? intentsAt : commandsAt)) expired.push(key)
      if (expired.length === maxPurged) break
    }
    for (const key of expired) entries.delete(key)
  },
}

const maxPurged = 50_000

function isExpired([at]: Entry, now: number): boolean {
  return at + idempotencyKeptMs <= now
}

function entriesOf(context: ProcessorContext): KeyValueStore<Entry> {
  return context.store<Entry>(idempotencyStore.name)
}
