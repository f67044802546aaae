import type { TabLock } from './tab-lock.ts'

/** What renewal needs to know of a session. */
export type Tokens = { readonly access_token: string; readonly expired: boolean | undefined }

export type RenewalOptions<Session extends Tokens> = {
  readonly lock: TabLock
  /** The session that all tabs share, as it is stored now; null once somebody signed out in one of them. */
  readonly stored: () => Promise<Session | null>
  /** Uses the stored refresh token, and stores what comes of it. @throws if the issuer refuses or can't be reached */
  readonly refresh: () => Promise<Session | null>
}

const lockName = 'streampay.renewal'

/**
 * Renews the session of all tabs, one tab at a time. A refresh token can be used once; used twice, the issuer takes it for
 * stolen and ends the session. So whoever has the lock looks first whether another tab has renewed meanwhile.
 */
export function createRenewal<Session extends Tokens>({ lock, stored, refresh }: RenewalOptions<Session>) {
  let renewing: Promise<Session | null> | undefined

  /**
   * @param refused the access token that is no longer good enough
   * @returns a session with another token, or null if there is none any more
   */
  function renew(refused: string): Promise<Session | null> {
    renewing ??= lock(lockName, async () => {
      const current = await stored()
      if (current === null) return null
      if (current.access_token !== refused && current.expired !== true) return current
      return refresh()
    }).finally(() => {
      renewing = undefined
    })
    return renewing
  }

  /** Does something that must not come between a renewal's request and its answer. */
  function exclusively(work: () => Promise<void>): Promise<void> {
    return lock(lockName, work)
  }

  return { renew, exclusively }
}
