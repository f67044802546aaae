/**
 * The number of idempotency keys of an identity, and of all together, so that a limit costs a look-up. Keys expire without an event
 * (idempotency.ts), so they are counted by the time at which they came: in slots of three hours, of which at most
 * ten count. A key counts until its slot is over, up to three hours longer than it is kept.
 */
import { applicationIds, idempotencyKeptMs, type KeyUsage, keyUsage, topicNamed, topicNames } from '@streampay/domain'
import type { BatchContext, StoreDefinition } from '@streampay/streams'
import { jsonSerde } from './serdes.ts'

const slotMs = 3 * 60 * 60 * 1000
const countedMs = slotMs + idempotencyKeptMs
const hourMs = 60 * 60 * 1000

export const keyUsageStore: StoreDefinition<KeyUsage> = {
  name: 'key-usage',
  value: jsonSerde(keyUsage),
  // The counts of an identity without further commands expire.
  expires: { afterMs: countedMs + hourMs, timeOf: topicNames.commands, retentionMs: retentionOf('key-usage') },
}

/** The time is in ms; without an identity, the count of all together. */
export type UsageAt = { readonly identity: string | undefined; readonly at: number }

export function usedBy(context: BatchContext, { identity, at }: UsageAt): number {
  return slotsOf(context, identity)
    .filter(([slot]) => slot + countedMs > at)
    .reduce((sum, [, keys]) => sum + keys, 0)
}

/** Adds to the slot of that time, or subtracts from it. Past slots are removed. */
export function addUsage(
  context: BatchContext,
  { identity, at, keys }: { readonly identity: string; readonly at: number; readonly keys: 1 | -1 },
): void {
  for (const who of [identity, undefined]) addTo(context, { identity: who, at }, keys)
}

function addTo(context: BatchContext, { identity, at }: UsageAt, keys: number): void {
  const slot = at - (at % slotMs)
  const known = slotsOf(context, identity)
  const newest = Math.max(slot, ...known.map(([start]) => start))
  const slots = new Map(known.filter(([start]) => start + countedMs > newest))
  const sum = (slots.get(slot) ?? 0) + keys
  if (sum > 0) slots.set(slot, sum)
  else slots.delete(slot)
  const store = context.store<KeyUsage>(keyUsageStore.name)
  if (slots.size === 0) store.delete(nameOf(identity))
  else store.set(nameOf(identity), [...slots])
}

function slotsOf(context: BatchContext, identity: string | undefined): KeyUsage {
  return context.store<KeyUsage>(keyUsageStore.name).get(nameOf(identity)) ?? []
}

function nameOf(identity: string | undefined): string {
  return identity === undefined ? 'all' : `of:${identity}`
}

/** How long the changelog of a payments store keeps its records, in ms. */
export function retentionOf(store: string): number {
  return Number(topicNamed(`${applicationIds.payments}-${store}-changelog`).config['retention.ms'])
}
