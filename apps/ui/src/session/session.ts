import { type User, UserManager, WebStorageStateStore } from 'oidc-client-ts'
import { computed, ref, shallowRef } from 'vue'
import type { TokenSource } from '../api/http.ts'

/**
 * Who is signed in, by OpenID Connect (authorization code with PKCE). Tokens live in the tab's session storage only;
 * access tokens are renewed with the refresh token before they expire, and on demand.
 *
 *     unknown ──► signedOut ──(redirect to the issuer and back)──► signedIn ──► lapsed (renewal failed: sign in again)
 */
export type SessionState = 'unknown' | 'signedOut' | 'signedIn' | 'lapsed'

type Config = {
  readonly issuer: string
  readonly clientId: string
  readonly audience?: string
  readonly scopes: readonly string[]
  /** Where this origin shows the issuer, if it does: then nothing is asked of another. */
  readonly discoveryPath?: string
}

export type Identity = { readonly id: string; readonly name: string; readonly username: string }

export const sessionState = ref<SessionState>('unknown')
const user = shallowRef<User | null>(null)
let manager: UserManager | undefined
let renewing: Promise<User | null> | undefined

/** Reads the configuration and takes up the tab's session, if there is one. @throws if the configuration can't be had */
export async function startSession(): Promise<void> {
  if (manager !== undefined) return
  const opened = createManager(await readConfig())
  opened.events.addUserLoaded((loaded) => {
    user.value = loaded
    sessionState.value = 'signedIn'
  })
  opened.events.addSilentRenewError(() => {
    if (user.value === null || user.value.expired) sessionState.value = 'lapsed'
  })
  opened.events.addAccessTokenExpired(() => void renewNow())
  manager = opened
  const kept = await opened.getUser()
  user.value = kept
  sessionState.value = kept === null ? 'signedOut' : 'signedIn'
  if (kept?.expired) await renewNow()
}

async function readConfig(): Promise<Config> {
  const response = await fetch('/config.json', { cache: 'no-store' })
  if (!response.ok) throw new Error(`/config.json answered ${response.status}`)
  return (await response.json()) as Config
}

function createManager(config: Config): UserManager {
  const scopes = new Set(['openid', 'profile', 'offline_access', ...config.scopes])
  return new UserManager({
    authority: config.issuer,
    ...(config.discoveryPath === undefined ? {} : { metadataUrl: `${location.origin}${config.discoveryPath}` }),
    client_id: config.clientId,
    redirect_uri: `${location.origin}/callback`,
    post_logout_redirect_uri: `${location.origin}/`,
    scope: [...scopes].join(' '),
    // Auth0 takes the API from `audience`; other issuers ignore it.
    extraQueryParams: config.audience === undefined ? {} : { audience: config.audience },
    userStore: new WebStorageStateStore({ store: sessionStorage }),
    stateStore: new WebStorageStateStore({ store: sessionStorage }),
    automaticSilentRenew: true,
    loadUserInfo: false,
  })
}

/** Goes to the issuer; comes back to `returnTo`. */
export async function signIn(returnTo: string): Promise<void> {
  await started().signinRedirect({ state: returnTo })
}

/** Ends the redirect from the issuer. @returns where the person wanted to go */
export async function completeSignIn(): Promise<string> {
  const signedIn = await started().signinRedirectCallback()
  user.value = signedIn
  sessionState.value = 'signedIn'
  return typeof signedIn.state === 'string' ? signedIn.state : '/home'
}

/** Signs out here and at the issuer. */
export async function signOut(): Promise<void> {
  const current = started()
  try {
    await current.signoutRedirect()
  } catch {
    // An issuer without an end-session endpoint, or out of reach: at least this browser forgets.
    await current.removeUser()
    location.assign('/')
  }
}

function started(): UserManager {
  if (manager === undefined) throw new Error('the session is used before it was started')
  return manager
}

/** Renews once for all who ask at the same time. @returns undefined if the session can't be renewed */
async function renewNow(): Promise<User | undefined> {
  renewing ??= started()
    .signinSilent()
    .finally(() => {
      renewing = undefined
    })
  try {
    const renewed = await renewing
    if (renewed !== null) return renewed
  } catch {
    // Told below: the session has lapsed, and the page offers to sign in again.
  }
  if (user.value === null || user.value.expired) sessionState.value = 'lapsed'
  return undefined
}

/** Tokens for requests and streams. */
export const tokenSource: TokenSource = {
  async token() {
    if (user.value === null) return undefined
    if (!user.value.expired) return user.value.access_token
    return (await renewNow())?.access_token
  },
  async renew(refused) {
    if (user.value !== null && user.value.access_token !== refused && !user.value.expired)
      return user.value.access_token
    return (await renewNow())?.access_token
  },
}

/** Who the token says it is: the subject, and names to begin a profile with. */
export const identity = computed<Identity | undefined>(() => {
  const current = user.value
  if (current === null) return undefined
  const { sub, name, preferred_username, nickname, email } = current.profile
  const username = preferred_username ?? nickname ?? email?.split('@')[0] ?? sub
  return { id: sub, name: name ?? username, username }
})

/** Whether the session has a permission; unknown scopes count as granted, and the gateway decides. */
export function allows(scope: string): boolean {
  const granted = user.value?.scope
  return granted === undefined || granted.split(' ').includes(scope)
}
