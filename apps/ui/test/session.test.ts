import { describe, expect, it } from 'vitest'
import { joinOpenTabs } from '../src/session/open-tabs.ts'
import { createRenewal } from '../src/session/renewal.ts'
import { type TabLock, tabLock } from '../src/session/tab-lock.ts'

type Session = { readonly access_token: string; readonly refresh_token: number; readonly expired: boolean }

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve))

/**
 * An issuer that takes a few turns to answer and ends the session when a refresh token comes a second time; and the storage that the tabs
 * share.
 */
function setUp() {
  let stored: Session | null = { access_token: 'a0', refresh_token: 0, expired: false }
  let next = 1
  const used = new Set<number>()
  const refresh = async () => {
    if (stored === null) throw new Error('no session')
    const { refresh_token: token } = stored
    for (let turn = 0; turn < 5; turn++) await nextTurn()
    if (used.has(token)) throw new Error('invalid_grant')
    used.add(token)
    stored = { access_token: `a${next}`, refresh_token: next, expired: false }
    next += 1
    return stored
  }
  const tab = (lock: TabLock) => createRenewal<Session>({ lock, stored: async () => stored, refresh })
  return { tab, used, signOut: () => (stored = null) }
}

/** The lock manager of a browser, for exclusive locks. */
function webLocks(): LockManager {
  let last: Promise<unknown> = Promise.resolve()
  const request = (_name: string, work: () => Promise<unknown>) => {
    const next = last.then(work)
    last = next.catch(() => {})
    return next
  }
  return { request, query: async () => ({ held: [], pending: [] }) } as unknown as LockManager
}

function memory() {
  const values = new Map<string, string>()
  return {
    getItem: (name: string) => values.get(name) ?? null,
    setItem: (name: string, value: string) => void values.set(name, value),
    removeItem: (name: string) => void values.delete(name),
  }
}

/** The storage of one tab: the others see its writes a turn later. */
function tabStorage(shared: ReturnType<typeof memory>): ReturnType<typeof memory> {
  const own = memory()
  return {
    getItem: (name) => own.getItem(name) ?? shared.getItem(name),
    setItem: (name, value) => {
      own.setItem(name, value)
      setImmediate(() => {
        shared.setItem(name, value)
        own.removeItem(name)
      })
    },
    removeItem: (name) => shared.removeItem(name),
  }
}

function leases(storage = memory()) {
  let owners = 0
  let time = 0
  const wait = async (ms: number) => {
    time += ms
    // Longer than another tab needs to see a write.
    await nextTurn()
    await nextTurn()
  }
  return { storage, now: () => time, newOwner: () => `tab-${++owners}`, wait }
}

describe('renewing the session of several tabs', () => {
  // A refresh token that two tabs had (one was a duplicate of the other) signed both of them out.
  it.each([
    ['Web Locks', webLocks],
    ['a lease where there are none', () => undefined],
  ])('uses each refresh token once, with %s', async (_what, locksOf) => {
    const { tab, used } = setUp()
    const locks = locksOf()
    const shared = memory()
    const lease = leases()
    const tabs = [1, 2, 3].map(() => tab(tabLock(locks, { ...lease, storage: tabStorage(shared) })))
    const renewed = await Promise.all(tabs.map(({ renew }) => renew('a0')))
    expect(renewed.map((session) => session?.access_token)).toEqual(['a1', 'a1', 'a1'])
    expect(used.size).toBe(1)
    expect((await tabs[0]?.renew('a1'))?.access_token).toBe('a2')
  })

  it('asks the issuer once for all calls at the same time in one tab', async () => {
    const { tab, used } = setUp()
    const { renew } = tab(tabLock(webLocks(), leases()))
    await Promise.all([renew('a0'), renew('a0')])
    expect(used.size).toBe(1)
  })

  it('finds no session once another tab has signed out', async () => {
    const { tab, signOut, used } = setUp()
    signOut()
    expect(await tab(tabLock(webLocks(), leases())).renew('a0')).toBeNull()
    expect(used.size).toBe(0)
  })

  it('does not wait long for a tab that was closed with the lease', async () => {
    const options = leases()
    options.storage.setItem('work.lease', `gone ${options.now() + 15_000}`)
    expect(await tabLock(undefined, options)('work', async () => 'done')).toBe('done')
    expect(options.now()).toBeLessThan(16_000)
    expect(options.storage.getItem('work.lease')).toBeNull()
  })
})

describe('a session in the storage that the tabs share', () => {
  const locksWith = (names: readonly string[]) => ({
    query: async () => ({ held: names.map((name) => ({ name })), pending: [] }),
    request: () => new Promise<never>(() => {}),
  })

  it.each([
    ['while another tab is open', locksWith(['streampay.open-tab']), false, true],
    ['when this tab is loaded anew', locksWith([]), true, true],
    ['not after the last tab was closed', locksWith(['something else']), false, false],
    ['by this tab alone, in a browser without locks', undefined, true, true],
    ['not by a new tab, in a browser without locks', undefined, false, false],
  ])('is taken up %s', async (_when, locks, wasOpen, expected) => {
    const tabStorage = memory()
    if (wasOpen) tabStorage.setItem('streampay.open-tab', 'yes')
    expect(await joinOpenTabs({ locks: locks as LockManager | undefined, tabStorage })).toBe(expected)
    expect(tabStorage.getItem('streampay.open-tab')).not.toBeNull()
  })
})
