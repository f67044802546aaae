/** Work that only one tab of this origin may do at a time. */
export type TabLock = <Result>(name: string, work: () => Promise<Result>) => Promise<Result>

/**
 * Web Locks (W3C), which all browsers have that we build for; without them a lease in the storage that the tabs share.
 */
export function tabLock(locks: LockManager | undefined, lease: LeaseOptions): TabLock {
  if (locks === undefined) return (name, work) => withLease(name, work, lease)
  return (name, work) => locks.request(name, work) as ReturnType<typeof work>
}

export type LeaseOptions = {
  readonly storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>
  readonly now: () => number
  readonly newOwner: () => string
  readonly wait: (ms: number) => Promise<void>
}

/** Longer than the work may take: a tab that was closed meanwhile delays the others by this time at most. */
const leaseMs = 15_000
/** Long enough to see a write of another tab. */
const settleMs = 60
const maxTries = 500

async function withLease<Result>(name: string, work: () => Promise<Result>, options: LeaseOptions): Promise<Result> {
  const { storage, now, newOwner, wait } = options
  const key = `${name}.lease`
  const owner = newOwner()
  const holder = () => {
    const [by = '', until = ''] = (storage.getItem(key) ?? '').split(' ')
    return Number(until) > now() ? by : ''
  }
  for (let tries = 0; tries < maxTries && holder() !== owner; tries += 1) {
    if (holder() === '') storage.setItem(key, `${owner} ${now() + leaseMs}`)
    // Of two tabs that write at once the last one wins; both look again before they begin.
    await wait(settleMs)
  }
  try {
    return await work()
  } finally {
    if (holder() === owner) storage.removeItem(key)
  }
}
