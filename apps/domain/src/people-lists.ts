/** The lists of people that a person keeps: those they have blocked, and their favourites. */
import { isReserved } from './identities.ts'
import type { Refusal } from './outcomes.ts'

export type PeopleListName = 'blocked' | 'favourites'

/** People whom one person may have among their favourites, by default. */
export const defaultMaxFavourites = 100

export type ListFacts = {
  /** Whether the person is on the list already. */
  readonly isListed: boolean
  /** How many are. */
  readonly listed: number
  readonly limit: number
}

/**
 * Why a person cannot be added to a list. A person who is on it already is accepted: then nothing changes. The person need not be in the
 * directory, because people who left it can still ask for money.
 */
export function refusalOfListing(
  list: PeopleListName,
  { owner, person }: { readonly owner: string; readonly person: string },
  { isListed, listed, limit }: ListFacts,
): Refusal | undefined {
  if (owner === person) return { slug: 'own-account' }
  if (isReserved(person)) return { slug: 'reserved-recipient' }
  if (isListed || listed < limit) return undefined
  return { slug: list === 'blocked' ? 'too-many-people-blocked' : 'too-many-favourites', limit }
}
