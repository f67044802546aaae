import { fittingNames } from '@streampay/domain'
import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import { http } from '../api/client.ts'
import { answerOf, ProblemError, problemOf } from '../api/http.ts'
import type { ProfileBody, User } from '../api/types.ts'
import { visibleText } from '../app/visible-text.ts'
import { identity } from '../session/session.ts'
import { usePeople } from './people.ts'

export type SaveResult = 'saved' | 'changedElsewhere'

/** My own entry in the directory. The ETag guards against saving over a change that this page hasn't seen. */
export const useProfile = defineStore('profile', () => {
  const user = shallowRef<User | undefined>()
  const etag = ref<string | undefined>()

  /** Reads the profile; on the first sign-in there is none, and it is made from the names in the token. */
  async function ensureRegistered(): Promise<void> {
    if (await load()) return
    const claims = identity.value
    if (claims === undefined) return
    await put(fittingNames(claims), undefined)
  }

  /** @returns whether there is a profile */
  async function load(): Promise<boolean> {
    const response = await http.send('/current-user')
    const { body } = await answerOf(response)
    if (response.status === 404) return false
    if (!response.ok) throw new ProblemError(problemOf(response, body))
    user.value = body as User
    etag.value = response.headers.get('etag') ?? undefined
    return true
  }

  async function save(profile: ProfileBody): Promise<SaveResult> {
    return put(profile, etag.value)
  }

  async function put(profile: ProfileBody, ifMatch: string | undefined): Promise<SaveResult> {
    const headers = new Headers({ 'content-type': 'application/json' })
    if (ifMatch !== undefined) headers.set('if-match', ifMatch)
    const response = await http.send('/current-user', { method: 'PUT', headers, body: JSON.stringify(profile) })
    if (response.status === 412) return 'changedElsewhere'
    const { body } = await answerOf(response)
    if (!response.ok) throw new ProblemError(problemOf(response, body))
    const id = identity.value?.id ?? ''
    user.value = { id, ...profile }
    etag.value = response.headers.get('etag') ?? undefined
    usePeople().remember(user.value)
    return 'saved'
  }

  const name = computed(() => visibleText(user.value?.name ?? identity.value?.name ?? ''))
  const username = computed(() => visibleText(user.value?.username ?? identity.value?.username ?? ''))

  return { user, etag, name, username, ensureRegistered, load, save }
})
