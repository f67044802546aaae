/** The lists of people that a person keeps: those they have blocked, and their favourites. */
import { isReserved } from './identities.ts'
import type { Refused } from './outcomes.ts'

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

/** `kept`: the person was on the list already, and nothing changes. */
export type ListDecision = Refused | { readonly kind: 'added' | 'kept' }

/** The person need not be in the directory, because people who left it can still ask for money. */
export function decideListing(
  list: PeopleListName,
  { owner, person }: { readonly owner: string; readonly person: string },
  { isListed, listed, limit }: ListFacts,
): ListDecision {
  if (owner === person) return { kind: 'refused', refusal: { slug: 'own-account' } }
  if (isReserved(person)) return { kind: 'refused', refusal: { slug: 'reserved-recipient' } }
  if (isListed) return { kind: 'kept' }
  if (listed < limit) return { kind: 'added' }
  const slug = list === 'blocked' ? 'too-many-people-blocked' : 'too-many-favourites'
  return { kind: 'refused', refusal: { slug, limit } }
}
