import { treasuryId } from '@streampay/domain'
import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import { http } from '../api/client.ts'
import type { User } from '../api/types.ts'
import { now } from '../app/clock.ts'
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
    byId.value = new Map(users.map((user) => [user.id, user]))
    isLoaded.value = true
  }

  /** Everybody but me whose name or username contains the text. */
  async function search(text: string, signal: AbortSignal): Promise<readonly User[]> {
    const users = await http.getJson<readonly User[]>(`/users?search=${encodeURIComponent(text)}`, { signal })
    return users.filter(({ id }) => id !== identity.value?.id)
  }

  function find(id: string): User | undefined {
    const user = byId.value.get(id)
    // Somebody new: the directory is read again, though not for every id that it lacks.
    if (user === undefined && isLoaded.value && id !== treasuryId && now() - loadedAt > refreshEveryMs)
      void load().catch(() => {})
    return user
  }

  function nameOf(id: string): string {
    if (id === treasuryId) return 'StreamPay'
    return find(id)?.name ?? id
  }

  function remember(user: User) {
    byId.value = new Map(byId.value).set(user.id, user)
  }

  const recent = computed(() => {
    const ids = new Set<string>()
    for (const { counterparty } of useWallet().entries) {
      if (counterparty !== treasuryId) ids.add(counterparty)
      if (ids.size === maxRecent) break
    }
    return [...ids].map((id) => byId.value.get(id) ?? { id, name: id, username: id })
  })

  return { isLoaded, byId, load, search, find, nameOf, remember, recent }
})
