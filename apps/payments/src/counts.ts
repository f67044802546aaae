/**
 * The used part of each limit, so that a limit costs one look-up and no iteration. A count changes in the same transaction as
 * the counted data, so the two always agree; it is a store like any other, and survives restoration and aborts.
 */
import type { PeopleListName } from '@streampay/domain'
import type { BatchContext, StoreDefinition } from '@streampay/streams'
import { checkedJson } from './serdes.ts'

export type Counted =
  /** Open requests that a person has made, in the requester's task. */
  | 'sent'
  /** Open requests that a person has to answer, in the debtor's task. */
  | 'owed'
  /** Open requests of one person to another, in the debtor's task. */
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

/** @throws Error if the count would become negative: the data and its count differ, which is a bug. */
export function addTo(context: Pick<BatchContext, 'store'>, counted: Counted, name: string, difference: 1 | -1): void {
  const counts = context.store<number>(countStore.name)
  const key = `${counted}:${name}`
  const count = (counts.get(key) ?? 0) + difference
  if (count < 0) throw new Error(`there would be ${count} of "${key}"`)
  if (count === 0) counts.delete(key)
  else counts.set(key, count)
}
