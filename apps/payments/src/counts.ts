/**
 * How much of each bound is used, so that a bound costs one look-up and never a walk. A count changes in the transaction of
 * what it counts, so the two cannot drift apart; it is a store like any other, and survives restoration and aborts.
 */
import type { PeopleListName } from '@streampay/domain'
import type { BatchContext, StoreDefinition } from '@streampay/streams'
import { checkedJson } from './serdes.ts'

export type Counted =
  /** Open requests that a person has made, at the requester's task. */
  | 'sent'
  /** Open requests that a person has to answer, at the debtor's task. */
  | 'owed'
  /** Open requests of one person to another, at the debtor's task. */
  | 'pair'
  /** People on a list of a person. */
  | PeopleListName

export const countStore: StoreDefinition<number> = {
  name: 'counts',
  value: checkedJson((value): value is number => Number.isSafeInteger(value), 'count'),
}

export function countOf(context: Pick<BatchContext, 'store'>, counted: Counted, name: string): number {
  return context.store<number>(countStore.name).get(`${counted}:${name}`) ?? 0
}

/** @throws Error if less than nothing would be left: what is counted and its count differ, which is a bug. */
export function addTo(context: Pick<BatchContext, 'store'>, counted: Counted, name: string, difference: 1 | -1): void {
  const counts = context.store<number>(countStore.name)
  const key = `${counted}:${name}`
  const count = (counts.get(key) ?? 0) + difference
  if (count < 0) throw new Error(`there would be ${count} of "${key}"`)
  if (count === 0) counts.delete(key)
  else counts.set(key, count)
}
