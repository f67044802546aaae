import { ErrorResponse, type User, UserManager, WebStorageStateStore } from 'oidc-client-ts'
import { computed, ref, shallowRef } from 'vue'
import type { TokenSource } from '../api/http.ts'
import { wait } from '../api/wait.ts'
import { newKey, now } from '../app/clock.ts'
import { joinOpenTabs } from './open-tabs.ts'
import { createRenewal } from './renewal.ts'
import { tabLock } from './tab-lock.ts'

/**
 * Who is signed in, by OpenID Connect (authorization code with PKCE), the same in all tabs of this browser.
 *
 *     unknown ──► signedOut ──(redirect to the issuer and back)──► signedIn ⇄ lapsed (renewal failed: sign in again)
 *                     ▲                                               │
 *                     └────────────(signed out here or in another tab)┘
 *
 * Tokens are in the storage that the tabs share, so that there is one refresh token and not a copy in each tab: an issuer takes a second
 * use of a copy for theft. A script that is injected into the page can read this storage; but it could read the storage of one tab as well,
 * and could send requests itself. The content security policy prevents that, since it allows no foreign script. The one difference is that
 * the tokens outlive a tab: therefore a session is continued only while a tab is open (open-tabs.ts). Cookies that no script can read would
 * need a back end, and there is none.
 */
export type SessionState = 'unknown' | 'signedOut' | 'signedIn' | 'lapsed'

type Config = {
  readonly issuer: string
  readonly clientId: string
  readonly audience?: string
  readonly scopes: readonly string[]
  /** The path of the issuer on this origin, if it has one: then no other issuer is used. */
  readonly discoveryPath?: string
}

export type Identity = { readonly id: string; readonly name: string; readonly username: string }

export const sessionState = ref<SessionState>('unknown')
const user = shallowRef<User | null>(null)
let manager: UserManager | undefined
let renewal: ReturnType<typeof createRenewal<User>> | undefined
let starting: Promise<void> | undefined
/** Permissions that the last sign-in asked for in addition to the usual ones. */
const asked = shallowRef<readonly string[]>([])
const offered = shallowRef<readonly string[]>([])

/** Asked for only when the console is opened, because an issuer may grant everything that is asked for. */
const scopesOnDemand: readonly string[] = ['read:console', 'write:console', 'operate:services']

/** Reads the configuration and continues the session, if there is one. @throws if the configuration can't be read */
export function startSession(): Promise<void> {
  starting ??= start().catch((error: unknown) => {
    starting = undefined
    throw error
  })
  return starting
}

async function start(): Promise<void> {
  const config = await readConfig()
  const opened = createManager(config)
  const lease = { storage: localStorage, now, newOwner: newKey, wait }
  const { locks } = navigator as { readonly locks?: LockManager }
  renewal = createRenewal<User>({
    lock: tabLock(locks, lease),
    stored: () => opened.getUser(),
    refresh: () => opened.signinSilent(),
  })
  opened.events.addUserLoaded(take)
  opened.events.addAccessTokenExpiring(() => void renewNow())
  opened.events.addAccessTokenExpired(() => void renewNow())
  offered.value = config.scopes
  if (!(await joinOpenTabs({ locks, tabStorage: sessionStorage }))) await opened.removeUser()
  manager = opened
  const kept = await opened.getUser()
  user.value = kept
  sessionState.value = kept === null ? 'signedOut' : 'signedIn'
  window.addEventListener('storage', ({ key }) => {
    if (key === null || key.startsWith('oidc.user:')) void followOtherTabs()
  })
  if (kept?.expired) await renewNow()
}

/** Another tab has renewed the session, ended it, or signed in. */
async function followOtherTabs(): Promise<void> {
  const stored = await started().getUser()
  if (stored !== null) return take(stored)
  if (user.value === null) return
  user.value = null
  sessionState.value = 'signedOut'
  // What this page shows belongs to the person who signed out.
  location.assign('/')
}

function take(next: User): void {
  // Another person signed in, in another tab: nothing of the person before may stay on this page.
  const isOther = user.value !== null && user.value.profile.sub !== next.profile.sub
  if (isOther && location.pathname !== '/callback') {
    location.assign('/home')
    return
  }
  user.value = next
  sessionState.value = 'signedIn'
}

async function readConfig(): Promise<Config> {
  const response = await fetch('/config.json', { cache: 'no-store' })
  if (!response.ok) throw new Error(`/config.json answered ${response.status}`)
  return (await response.json()) as Config
}

function createManager(config: Config): UserManager {
  const usual = config.scopes.filter((scope) => !scopesOnDemand.includes(scope))
  const scopes = new Set(['openid', 'profile', 'offline_access', ...usual])
  return new UserManager({
    authority: config.issuer,
    ...(config.discoveryPath === undefined ? {} : { metadataUrl: `${location.origin}${config.discoveryPath}` }),
    client_id: config.clientId,
    redirect_uri: `${location.origin}/callback`,
    post_logout_redirect_uri: `${location.origin}/`,
    scope: [...scopes].join(' '),
    // Auth0 takes the API from `audience`; other issuers ignore it.
    extraQueryParams: config.audience === undefined ? {} : { audience: config.audience },
    userStore: new WebStorageStateStore({ store: localStorage }),
    // The state of a sign-in under way belongs to its tab.
    stateStore: new WebStorageStateStore({ store: sessionStorage }),
    // Renewal is for all tabs: it waits for the others (renewal.ts).
    automaticSilentRenew: false,
    loadUserInfo: false,
  })
}

/**
 * Goes to the issuer; comes back to `returnTo`. Permissions that were granted on demand before are asked for again.
 * @param wanted permissions to ask for in addition to the usual ones
 */
export async function signIn(returnTo: string, wanted: readonly string[] = []): Promise<void> {
  const current = started()
  const more = [...new Set([...wanted, ...scopesOnDemand.filter(allows)])]
  const state: SignInState = { returnTo, asked: more }
  await current.signinRedirect({ state, scope: [current.settings.scope, ...more].join(' ') })
}

type SignInState = { readonly returnTo: string; readonly asked: readonly string[] }

/** Ends the redirect from the issuer. @returns where the person wanted to go */
export async function completeSignIn(): Promise<string> {
  const signedIn = await started().signinRedirectCallback()
  take(signedIn)
  const { returnTo = '/home', asked: wanted = [] } = (signedIn.state ?? {}) as Partial<SignInState>
  asked.value = wanted
  return returnTo
}

/** Signs out here and at the issuer. */
export async function signOut(): Promise<void> {
  const current = started()
  // A renewal under way in another tab would store its new tokens after they were removed.
  await renewal?.exclusively(async () => {
    try {
      await current.signoutRedirect()
    } catch {
      // The issuer has no end-session endpoint, or can't be reached: the session is removed from this browser at least.
      await current.removeUser()
      location.assign('/')
    }
  })
}

function started(): UserManager {
  if (manager === undefined) throw new Error('the session is used before it was started')
  return manager
}

/** Renews the session in the tab that gets the lock first. @returns undefined if it can't be renewed */
async function renewNow(refused = user.value?.access_token ?? '', wasRefused = false): Promise<User | undefined> {
  let isOver = false
  try {
    const renewed = await renewal?.renew(refused)
    if (renewed) {
      take(renewed)
      return renewed
    }
  } catch (error) {
    // The gateway refused the token, and the issuer gives no other one: the token is not usable, although it has not expired.
    isOver = wasRefused && error instanceof ErrorResponse
  }
  // The banner says so, and offers to sign in again.
  if (isOver || user.value === null || user.value.expired) sessionState.value = 'lapsed'
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
    return (await renewNow(refused, true))?.access_token
  },
}

/** The identity in the token: the subject, and names to begin a profile with. */
export const identity = computed<Identity | undefined>(() => {
  const current = user.value
  if (current === null) return undefined
  const { sub, name, preferred_username, nickname, email } = current.profile
  // Some issuers give an e-mail address as the name of the account.
  const username = (preferred_username ?? nickname ?? email ?? sub).split('@')[0] || sub
  return { id: sub, name: name ?? username, username }
})

/** Whether the session has a permission, as far as the issuer said; the gateway decides. */
export function allows(scope: string): boolean {
  return user.value?.scope?.split(' ').includes(scope) ?? false
}

/** Whether the API defines this permission, granted or not. */
export function offers(scope: string): boolean {
  return offered.value.includes(scope)
}

/** Whether the issuer was asked for this permission at the last sign-in and didn't grant it. */
export function wasDenied(scope: string): boolean {
  return asked.value.includes(scope) && !allows(scope)
}
