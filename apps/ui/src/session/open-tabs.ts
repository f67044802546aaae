/**
 * Whether a session that is found in the shared storage may be taken up: only while some tab of StreamPay has been open since
 * it began. Closing the last tab ends it, as it did when each tab had tokens of its own.
 */
export type OpenTabsOptions = {
  readonly locks: Pick<LockManager, 'request' | 'query'> | undefined
  /** Of this tab alone; a reload keeps it, and a duplicate has it too. */
  readonly tabStorage: Pick<Storage, 'getItem' | 'setItem'>
}

const presence = 'streampay.open-tab'

/** @returns whether another tab is open, or this one was before it was loaded anew; from now on this one counts as open */
export async function joinOpenTabs({ locks, tabStorage }: OpenTabsOptions): Promise<boolean> {
  const wasOpen = tabStorage.getItem(presence) !== null
  tabStorage.setItem(presence, 'yes')
  if (locks === undefined) return wasOpen
  const { held = [] } = await locks.query()
  const hasOthers = held.some(({ name }) => name === presence)
  // Held for as long as the tab lives: the browser gives it back when the tab is closed or crashes.
  void locks.request(presence, { mode: 'shared' }, () => new Promise<never>(() => {})).catch(() => {})
  return wasOpen || hasOthers
}
