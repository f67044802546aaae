import { treasuryId } from '@streampay/domain'
import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import { http } from '../api/client.ts'
import type { User } from '../api/types.ts'
import { now } from '../app/clock.ts'
import { lookOf } from '../app/look-alike.ts'
import { visibleText } from '../app/visible-text.ts'
import { identity } from '../session/session.ts'
import { useWallet } from './wallet.ts'

const refreshEveryMs = 3_000
const maxRecent = 8

/** The directory: names for ids, search, and whom I have dealt with lately. */
export const usePeople = defineStore('people', () => {
  const byId = shallowRef<ReadonlyMap<string, User>>(new Map())
  const isLoaded = ref(false)
  let loading: Promise<void> | undefined
  let loadedAt = 0

  function load(): Promise<void> {
    loading ??= fetchAll().finally(() => {
      loading = undefined
    })
    return loading
  }

  async function fetchAll() {
    loadedAt = now()
    const users = await http.getJson<readonly User[]>('/users')
    byId.value = new Map(users.map((user) => [user.id, shownAs(user)]))
    isLoaded.value = true
  }

  /** Everybody but me whose name or username contains the text. */
  async function search(text: string, signal: AbortSignal): Promise<readonly User[]> {
    const users = await http.getJson<readonly User[]>(`/users?search=${encodeURIComponent(text)}`, { signal })
    return users.filter(({ id }) => id !== identity.value?.id).map(shownAs)
  }

  function find(id: string): User | undefined {
    const user = byId.value.get(id)
    // Somebody new: the directory is read again, though not for every id that it lacks.
    if (user === undefined && id !== treasuryId && now() - loadedAt > refreshEveryMs) void load().catch(() => {})
    return user
  }

  function nameOf(id: string): string {
    if (id === treasuryId) return 'StreamPay'
    return find(id)?.name ?? visibleText(id)
  }

  function remember(user: User) {
    byId.value = new Map(byId.value).set(user.id, shownAs(user))
  }

  const recent = computed(() => {
    const ids = new Set<string>()
    for (const { counterparty } of useWallet().entries) {
      if (counterparty !== treasuryId) ids.add(counterparty)
      if (ids.size === maxRecent) break
    }
    return [...ids].map((id) => byId.value.get(id) ?? strangerOf(id))
  })

  /** How many people there are for each look of a name or username. */
  const looks = computed(() => {
    const counts = new Map<string, number>()
    for (const user of byId.value.values())
      for (const look of looksOf(user)) counts.set(look, (counts.get(look) ?? 0) + 1)
    return counts
  })

  /** Whether somebody else could be taken for this person: then the account id has to tell them apart. */
  function hasDouble(user: User): boolean {
    // Somebody whom the directory doesn't hold yet counts beside everybody in it.
    const own = byId.value.has(user.id) ? 1 : 0
    return [...looksOf(user)].some((look) => (looks.value.get(look) ?? 0) > own)
  }

  return { isLoaded, byId, load, search, find, nameOf, remember, recent, hasDouble }
})

/** Somebody whom the directory doesn't name. */
export function strangerOf(id: string): User {
  return { id, name: visibleText(id), username: visibleText(id) }
}

function shownAs({ id, name, username }: User): User {
  return { id, name: visibleText(name), username: visibleText(username) }
}

/** Both in one set: a username that looks like somebody's name is taken for that person too. */
function looksOf({ name, username }: User): ReadonlySet<string> {
  return new Set([lookOf(name), lookOf(username)])
}
