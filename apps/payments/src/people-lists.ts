/** Lists of people that a person keeps, in that person's task: blocked people and favourites. */
import {
  type BlockedPerson,
  blockedPerson,
  decideListing,
  type FavouritePerson,
  favouritePerson,
  headerNames,
  type ListDecision,
  type PeopleListName,
  pairOf,
} from '@streampay/domain'
import type { ProcessorContext, SinkDefinition, StoreDefinition } from '@streampay/streams'
import { addTo, countOf } from './counts.ts'
import { jsonHeaders, jsonSerde } from './serdes.ts'
import { blockSink, favouriteSink } from './sinks.ts'

type Pair = { readonly owner: string; readonly person: string }
type Listing = Pair & { readonly id: string; readonly at: number }

type PeopleList<T extends { readonly id: string }> = {
  readonly name: PeopleListName
  readonly store: StoreDefinition<T>
  readonly sink: SinkDefinition<T>
  readonly valueOf: (listing: Listing) => T
}

/** People from whom a person accepts no payment requests: such requests are decided in that person's task, too. */
export const blockedPeople: PeopleList<BlockedPerson> = {
  name: 'blocked',
  store: { name: 'blocks', value: jsonSerde(blockedPerson) },
  sink: blockSink,
  valueOf: ({ id, owner, person, at }) => ({ id, blocker: owner, blocked: person, at }),
}

export const favouritePeople: PeopleList<FavouritePerson> = {
  name: 'favourites',
  store: { name: 'favourites', value: jsonSerde(favouritePerson) },
  sink: favouriteSink,
  valueOf: ({ id, owner, person, at }) => ({ id, owner, favourite: person, at }),
}

export function isListed<T extends { readonly id: string }>(
  context: ProcessorContext,
  { store }: PeopleList<T>,
  { owner, person }: Pair,
): boolean {
  return context.store<T>(store.name).get(pairOf(owner, person)) !== undefined
}

export function enlist<T extends { readonly id: string }>(
  context: ProcessorContext,
  list: PeopleList<T>,
  { owner, person, at, limit }: Pair & { readonly at: number; readonly limit: number },
): ListDecision {
  const facts = {
    isListed: isListed(context, list, { owner, person }),
    listed: countOf(context, list.name, owner),
    limit,
  }
  const decision = decideListing(list.name, { owner, person }, facts)
  if (decision.kind !== 'added') return decision
  const value = list.valueOf({ id: pairOf(owner, person), owner, person, at })
  context.store<T>(list.store.name).set(value.id, value)
  addTo(context, list.name, owner, 1)
  publish(context, list, { id: value.id, owner, value })
  return decision
}

export function delist<T extends { readonly id: string }>(
  context: ProcessorContext,
  list: PeopleList<T>,
  { owner, person }: Pair,
): void {
  if (!isListed(context, list, { owner, person })) return
  const id = pairOf(owner, person)
  context.store<T>(list.store.name).delete(id)
  addTo(context, list.name, owner, -1)
  publish(context, list, { id, owner, value: null })
}

/** Tombstones also have the owner, so that a view knows whom to notify. */
function publish<T extends { readonly id: string }>(
  context: ProcessorContext,
  { sink }: PeopleList<T>,
  { id, owner, value }: { readonly id: string; readonly owner: string; readonly value: T | null },
): void {
  context.send(sink, { key: id, value, headers: { ...jsonHeaders, [headerNames.identity]: owner } })
}
