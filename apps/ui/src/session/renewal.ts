import type { TabLock } from './tab-lock.ts'

/** The parts of a session that its renewal uses. */
export type Tokens = { readonly access_token: string; readonly expired: boolean | undefined }

export type RenewalOptions<Session extends Tokens> = {
  readonly lock: TabLock
  /** The session that all tabs share, as it is stored now; null if the person signed out in one of them. */
  readonly stored: () => Promise<Session | null>
  /** Uses the stored refresh token, and stores the new tokens. @throws if the issuer refuses or can't be reached */
  readonly refresh: () => Promise<Session | null>
}

const lockName = 'streampay.renewal'

/**
 * Renews the session of all tabs, one tab at a time. A refresh token can be used once; if it is used twice, the issuer takes it for stolen
 * and ends the session. So a tab that gets the lock checks first whether another tab has renewed meanwhile.
 */
export function createRenewal<Session extends Tokens>({ lock, stored, refresh }: RenewalOptions<Session>) {
  let renewing: Promise<Session | null> | undefined

  /**
   * @param refused the access token that the gateway no longer accepts
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

  /** Runs something that must not happen between a renewal's request and its answer. */
  function exclusively(work: () => Promise<void>): Promise<void> {
    return lock(lockName, work)
  }

  return { renew, exclusively }
}
