/** The people whom each person has blocked, and their favourites, in the simplest form. */
import { no } from './naive-refusals.ts'
import type { Command, Consequences, Listing, PeopleList, Rules, Told } from './naive-types.ts'

export class NaiveLists {
  readonly #limits: Readonly<Record<PeopleList, number>>
  readonly #listings = { 'blocked-people': new Map<string, Listing>(), 'favourite-people': new Map<string, Listing>() }

  constructor({ maxBlocked, maxFavourites }: Rules) {
    this.#limits = { 'blocked-people': maxBlocked, 'favourite-people': maxFavourites }
  }

  has(list: PeopleList, owner: string, person: string): boolean {
    return this.#listings[list].has(JSON.stringify([owner, person]))
  }

  put(list: PeopleList, { record, asker, body }: Command, then: Consequences): Told {
    const owner = asker.identity
    const person = String(body.userId)
    if (owner === person) return no('own-account')
    if (person.startsWith('streampay:')) return no('reserved-recipient')
    const told = { status: 200, body: { userId: person } }
    if (this.has(list, owner, person)) return told
    const isOfBlocked = list === 'blocked-people'
    const count = [...this.#listings[list].values()].filter((listing) => listing.owner === owner).length
    if (count >= this.#limits[list]) return no(isOfBlocked ? 'too-many-people-blocked' : 'too-many-favourites')
    const id = `${owner.length}:${owner}${person}`
    const both = isOfBlocked ? { blocker: owner, blocked: person } : { owner, favourite: person }
    const listing = { owner, id, value: { id, ...both, at: record.timestamp } }
    this.#listings[list].set(JSON.stringify([owner, person]), listing)
    then.listed(list, listing)
    return told
  }

  take(list: PeopleList, { asker, path }: Command, then: Consequences): Told {
    const name = JSON.stringify([asker.identity, path])
    const listing = this.#listings[list].get(name)
    if (listing !== undefined) then.delisted(list, listing)
    this.#listings[list].delete(name)
    return { status: 200, body: { userId: path } }
  }
}
