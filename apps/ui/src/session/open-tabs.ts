/**
 * Whether a session in the shared storage may be continued: only if at least one tab of StreamPay was open at each moment since it began.
 * So closing the last tab ends the session.
 */
export type OpenTabsOptions = {
  readonly locks: Pick<LockManager, 'request' | 'query'> | undefined
  /** A mark of this tab alone; a reload keeps it, and a duplicated tab has it too. */
  readonly tabStorage: Pick<Storage, 'getItem' | 'setItem'>
}

const presence = 'streampay.open-tab'

/** @returns whether another tab is open, or this one was before it was reloaded; from now on this one counts as open */
export async function joinOpenTabs({ locks, tabStorage }: OpenTabsOptions): Promise<boolean> {
  const wasOpen = tabStorage.getItem(presence) !== null
  tabStorage.setItem(presence, 'yes')
  if (locks === undefined) return wasOpen
  const { held = [] } = await locks.query()
  const hasOthers = held.some(({ name }) => name === presence)
  // Held as long as the tab exists: the browser frees it when the tab is closed or crashes.
  void locks.request(presence, { mode: 'shared' }, () => new Promise<never>(() => {})).catch(() => {})
  return wasOpen || hasOthers
}
