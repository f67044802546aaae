/**
 * The intents that a task has executed in the last 24 hours of log time, with their outcomes (INV-3). A key names an intent of one
 * identity. Refusals without effect are not kept: a repeated command is decided again.
 *
 *     key      the first 16 bytes of SHA-256 over identity and idempotency key
 *     value    time f64, in ms · fingerprint, 16 bytes · outcome as JSON, at most 150 bytes
 *
 * The time of a command decides whether its key is still valid. The store drops entries an hour later, by
 * the time of the commands, and nothing is written for it.
 */
import {
  decodeOutcome,
  encodeOutcome,
  idempotencyKeptMs,
  maxOutcomeBytes,
  type Outcome,
  topicNames,
} from '@streampay/domain'
import type { BatchContext, KeyValueStore, ProcessorContext, StoreDefinition } from '@streampay/streams'
import { digestBytes, digestOf } from './fingerprint.ts'
import { addUsage, retentionOf, usedBy } from './key-usage.ts'
import type { PaymentsLimits } from './limits.ts'

type Entry = { readonly at: number; readonly fingerprint: string; readonly outcome: string }

const timeBytes = 8
const headBytes = timeBytes + digestBytes

/** The largest difference by which a command may be older than an earlier one: the clocks of gateways differ. */
const graceMs = 60 * 60 * 1000
const expireAfterMs = idempotencyKeptMs + graceMs

export const idempotencyStore: StoreDefinition<Entry> = {
  name: 'idempotency-keys',
  key: {
    encode: (key) => Buffer.from(key, 'base64url'),
    decode: (bytes) => bytes.toString('base64url'),
  },
  value: { encode: encodeEntry, decode: decodeEntry },
  expires: {
    afterMs: expireAfterMs,
    timeOf: topicNames.commands,
    retentionMs: retentionOf('idempotency-keys'),
  },
}

/** The store key of a client's idempotency key: 22 characters, for identities and keys of any length. */
export function clientKey(identity: string, idempotencyKey: string): string {
  // The length distinguishes ("a", "bc") from ("ab", "c").
  return digestOf(`${identity.length}:${identity}${idempotencyKey}`)
}

export type Remembered = { readonly fingerprint: string; readonly outcome: Outcome }

/** @param at the time of the command, in ms: it decides whether the key was valid. */
export function recall(context: ProcessorContext, key: string, at: number): Remembered | undefined {
  const entry = entriesOf(context).get(key)
  if (entry === undefined || entry.at + idempotencyKeptMs <= at) return undefined
  return { fingerprint: entry.fingerprint, outcome: decodeOutcome(entry.outcome) }
}

export type Key = { readonly key: string; readonly identity: string }

/** @param at the time of the command, in ms; if its clock is behind, the time of the newest command before it. */
export function remember(
  context: ProcessorContext,
  { key, identity, at }: Key & { readonly at: number },
  { fingerprint, outcome }: Remembered,
): void {
  const time = timeFor(context, at)
  addUsage(context, { identity, at: time, keys: 1 })
  entriesOf(context).set(key, { at: time, fingerprint, outcome: encodeOutcome(outcome) })
}

/** The outcome of a forwarded command, unless its key belongs to another command by now. Its day counts from the command. */
export function settle(
  context: ProcessorContext,
  { key, identity }: Key,
  decided: { readonly intent: string; readonly outcome: Outcome },
): void {
  const entries = entriesOf(context)
  const entry = entries.get(key)
  const kept = entry === undefined ? undefined : decodeOutcome(entry.outcome)
  if (entry === undefined || kept?.kind !== 'forwarded' || kept.intent !== decided.intent) return
  if (decided.outcome.kind !== 'refused') entries.set(key, { ...entry, outcome: encodeOutcome(decided.outcome) })
  else {
    entries.delete(key)
    addUsage(context, { identity, at: entry.at, keys: -1 })
  }
}

/** The counted size of a key: one of a payment takes 215 bytes on disk, with its index by time, and the longest outcome 365. */
export const bytesOfKey = 384

export type Shortage = { readonly of: 'share'; readonly keys: number } | { readonly of: 'whole' }

/** Why there is no room for another key of this identity, and how many it has; undefined if there is room. */
export function shortageOf(
  context: ProcessorContext,
  { identity, at }: { readonly identity: string; readonly at: number },
  { maxIdempotencyBytes, maxBytesOfIdentity }: PaymentsLimits,
): Shortage | undefined {
  const time = timeFor(context, at)
  const keys = usedBy(context, { identity, at: time })
  if ((keys + 1) * bytesOfKey > maxBytesOfIdentity) return { of: 'share', keys }
  const all = usedBy(context, { identity: undefined, at: time })
  return (all + 1) * bytesOfKey > maxIdempotencyBytes ? { of: 'whole' } : undefined
}

function timeFor(context: ProcessorContext, at: number): number {
  return Math.max(at, context.sourceTime(topicNames.commands))
}

function encodeEntry({ at, fingerprint, outcome }: Entry): Buffer {
  const bytes = Buffer.alloc(headBytes + outcome.length)
  bytes.writeDoubleBE(at, 0)
  const written = bytes.write(fingerprint, timeBytes, digestBytes, 'base64url')
  if (written !== digestBytes)
    throw new Error(`the fingerprint "${fingerprint}" has ${written} bytes, not ${digestBytes}`)
  // Outcomes are ASCII.
  bytes.write(outcome, headBytes, 'latin1')
  return bytes
}

function decodeEntry(bytes: Buffer): Entry {
  if (bytes.length < headBytes || bytes.length > headBytes + maxOutcomeBytes) {
    throw new Error(`an entry of ${bytes.length} bytes is not of the store of idempotency keys`)
  }
  return {
    at: bytes.readDoubleBE(0),
    fingerprint: bytes.toString('base64url', timeBytes, headBytes),
    outcome: bytes.toString('latin1', headBytes),
  }
}

function entriesOf(context: BatchContext): KeyValueStore<Entry> {
  return context.store<Entry>(idempotencyStore.name)
}
