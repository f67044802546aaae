import { lookOf, looksLikeSystem, treasuryId } from '@streampay/domain'
import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import { http } from '../api/client.ts'
import type { User, UserPage } from '../api/types.ts'
import { now } from '../app/clock.ts'
import { visibleText } from '../app/visible-text.ts'
import { identity } from '../session/session.ts'
import { firstFound } from './first-found.ts'
import { createNameCache } from './name-cache.ts'
import { useWallet } from './wallet.ts'

const maxRecent = 8
const maxFound = 20

/** The result of a search: all people but me, and whether there are more. */
export type Found = { readonly users: readonly User[]; readonly hasMore: boolean }

/** People: names for the ids that are shown, search, and the people I dealt with lately. The directory is never read whole. */
export const usePeople = defineStore('people', () => {
  /** Counts changes of the known people, so that the pages update. */
  const version = shallowRef(0)
  const cache = createNameCache({
    now,
    onChange() {
      version.value += 1
    },
    async fetchUsers(ids) {
      const query = ids.map((id) => `id=${encodeURIComponent(id)}`).join('&')
      return (await http.getJson<UserPage>(`/users?${query}`)).items.map(shownAs)
    },
  })

  /** All people but me with a name or username whose words begin with those of the text. */
  async function search(text: string, signal: AbortSignal): Promise<Found> {
    const page = await firstFound((cursor) => {
      const query = new URLSearchParams({ limit: `${maxFound}` })
      if (text !== '') query.set('search', text)
      if (cursor !== undefined) query.set('cursor', cursor)
      return http.getJson<UserPage>(`/users?${query}`, { signal })
    })
    const users = page.items.filter(({ id }) => id !== identity.value?.id).map(shownAs)
    // Known from now on: of two people whose names look alike, each is shown with the account id.
    for (const user of users) cache.remember(user)
    return { users, hasMore: page.next !== undefined }
  }

  /** This person, as far as known; requested if not. */
  function find(id: string): User | undefined {
    void version.value
    return id === treasuryId ? undefined : cache.find(id)
  }

  /** This person, once it is known for sure; undefined if the directory has no such person. @throws ProblemError, UnreachableError */
  async function fetch(id: string): Promise<User | undefined> {
    await cache.resolve([id])
    return cache.peek(id)
  }

  /** Loads the names of all of these. @throws ProblemError, UnreachableError */
  function fetchAll(ids: readonly string[]): Promise<void> {
    return cache.resolve(ids.filter((id) => id !== treasuryId))
  }

  function nameOf(id: string): string {
    if (id === treasuryId) return 'StreamPay'
    return find(id)?.name ?? visibleText(id)
  }

  function remember(user: User) {
    cache.remember(shownAs(user))
  }

  const recent = computed(() => {
    const ids = new Set<string>()
    for (const { counterparty } of useWallet().entries) {
      if (counterparty !== treasuryId) ids.add(counterparty)
      if (ids.size === maxRecent) break
    }
    return [...ids].map((id) => find(id) ?? strangerOf(id))
  })

  /** The ids of the people known here, for each look of a name or username. */
  const looks = computed(() => {
    void version.value
    const ids = new Map<string, Set<string>>()
    for (const user of cache.users()) {
      for (const look of looksOf(user)) ids.set(look, (ids.get(look) ?? new Set()).add(user.id))
    }
    return ids
  })

  /** Whether another known person could be taken for this one: then the account id has to tell them apart. */
  function hasDouble(user: User): boolean {
    return [...looksOf(user)].some((look) => [...(looks.value.get(look) ?? [])].some((id) => id !== user.id))
  }

  return { search, find, fetch, fetchAll, nameOf, remember, recent, hasDouble }
})

/** A person whom the directory doesn't name. */
export function strangerOf(id: string): User {
  return { id, name: visibleText(id), username: visibleText(id) }
}

function shownAs({ id, name, username }: User): User {
  return { id, name: visibleText(name), username: visibleText(username) }
}

/** Whether this person could be taken for StreamPay itself: such names are refused now, but were not always. */
export function passesForSystem({ name, username }: User): boolean {
  return looksLikeSystem(name) || looksLikeSystem(username)
}

/** Names and usernames in one set: a username that looks like another person's name is taken for that person too. */
function looksOf({ name, username }: User): ReadonlySet<string> {
  return new Set([lookOf(name), lookOf(username)])
}
