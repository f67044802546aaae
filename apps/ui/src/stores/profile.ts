import { fittingNames } from '@streampay/domain'
import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import { http } from '../api/client.ts'
import { answerOf, ProblemError, problemOf, retryAfterMsOf } from '../api/http.ts'
import type { ProfileBody, User } from '../api/types.ts'
import { visibleText } from '../app/visible-text.ts'
import { identity } from '../session/session.ts'
import { usePeople } from './people.ts'

/** Whose profile was seen here last. */
const seenKey = 'streampay.profile-of'

export type SaveResult = 'saved' | 'changedElsewhere'

/** My own entry in the directory. The ETag prevents saving over a change that this page hasn't seen. */
export const useProfile = defineStore('profile', () => {
  const user = shallowRef<User | undefined>()
  const etag = ref<string | undefined>()

  /** Whether nothing was published under this identity yet: then the person is asked first. */
  const isMissing = ref(false)
  /** Whether that is known, from now or from an earlier visit: then pages need not wait. */
  const isChecked = ref(localStorage.getItem(seenKey) === identity.value?.id)

  /** Reads the profile. @throws ProblemError, UnreachableError */
  async function load(): Promise<void> {
    const response = await http.send('/current-user')
    const { body } = await answerOf(response)
    isMissing.value = response.status === 404
    isChecked.value = true
    if (isMissing.value) return
    if (!response.ok) throw new ProblemError(problemOf(response, body), retryAfterMsOf(response))
    user.value = body as User
    etag.value = response.headers.get('etag') ?? undefined
    localStorage.setItem(seenKey, identity.value?.id ?? '')
  }

  /** Names to begin a profile with, from the issuer: they are published only after the person confirms them. */
  function suggested(): ProfileBody {
    return identity.value === undefined ? { name: '', username: '' } : fittingNames(identity.value)
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
    if (!response.ok) throw new ProblemError(problemOf(response, body), retryAfterMsOf(response))
    const id = identity.value?.id ?? ''
    user.value = { id, ...profile }
    isMissing.value = false
    etag.value = response.headers.get('etag') ?? undefined
    usePeople().remember(user.value)
    return 'saved'
  }

  const name = computed(() => visibleText(user.value?.name ?? identity.value?.name ?? ''))
  const username = computed(() => visibleText(user.value?.username ?? identity.value?.username ?? ''))

  return { user, etag, isMissing, isChecked, name, username, suggested, load, save }
})
