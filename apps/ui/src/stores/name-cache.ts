import type { User } from '../api/types.ts'

/**
 * Names for the ids that the pages show, requested in batches and kept for a while. That the directory doesn't know an id is kept too: the
 * id isn't requested again each time the page shows it.
 */
export type NameCacheOptions = {
  /** The users of these ids, at most {@link maxIdsAtOnce}; ids that the directory lacks are left out. */
  readonly fetchUsers: (ids: readonly string[]) => Promise<readonly User[]>
  readonly now: () => number
  /** Something that was requested has arrived. */
  readonly onChange: () => void
}

export const maxIdsAtOnce = 100
export const maxKeptNames = 10_000
/** Ids that a page shows within this time are requested together. */
const gatherMs = 30
const knownForMs = 5 * 60_000
const unknownForMs = 60_000
const failedForMs = 5_000

type Kept = { readonly user: User | undefined; readonly freshUntil: number }

export function createNameCache({ fetchUsers, now, onChange }: NameCacheOptions) {
  const kept = new Map<string, Kept>()
  const wanted = new Set<string>()
  /** Requests under way: a second look-up meanwhile waits for the same answer. */
  const asking = new Set<string>()
  let isGathering = false
  let running: Promise<void> = Promise.resolve()

  /** The user as known, at once; requests it if nothing recent is known. */
  function find(id: string): User | undefined {
    want(id)
    return kept.get(id)?.user
  }

  /** The user as known, at once; requests nothing. */
  function peek(id: string): User | undefined {
    return kept.get(id)?.user
  }

  /** Resolves once all of these are known or known to be unknown. @throws what `fetchUsers` throws */
  async function resolve(ids: readonly string[]): Promise<void> {
    await running
    const missing = ids.filter((id) => kept.get(id)?.user === undefined)
    for (let start = 0; start < missing.length; start += maxIdsAtOnce) {
      await ask(missing.slice(start, start + maxIdsAtOnce))
    }
  }

  function remember(user: User): void {
    put(user.id, user, knownForMs)
    onChange()
  }

  function want(id: string): void {
    if (asking.has(id) || (kept.get(id)?.freshUntil ?? 0) > now()) return
    wanted.add(id)
    if (isGathering) return
    isGathering = true
    setTimeout(() => {
      isGathering = false
      running = running.then(askWanted)
    }, gatherMs)
  }

  async function askWanted(): Promise<void> {
    while (wanted.size > 0) {
      const ids = [...wanted].slice(0, maxIdsAtOnce)
      for (const id of ids) {
        wanted.delete(id)
        asking.add(id)
      }
      try {
        await ask(ids)
      } catch {
        // The ids have no names for now; a later look-up requests them again.
        for (const id of ids) put(id, kept.get(id)?.user, failedForMs)
      } finally {
        for (const id of ids) asking.delete(id)
      }
    }
  }

  async function ask(ids: readonly string[]): Promise<void> {
    const users = new Map((await fetchUsers(ids)).map((user) => [user.id, user]))
    for (const id of ids) put(id, users.get(id), users.has(id) ? knownForMs : unknownForMs)
    onChange()
  }

  function put(id: string, user: User | undefined, forMs: number): void {
    // An id that is set anew moves to the end: the first id is the one that was requested longest ago.
    kept.delete(id)
    kept.set(id, { user, freshUntil: now() + forMs })
    for (const oldest of kept.keys()) {
      if (kept.size <= maxKeptNames) break
      kept.delete(oldest)
    }
  }

  function users(): readonly User[] {
    return [...kept.values()].flatMap(({ user }) => (user === undefined ? [] : [user]))
  }

  return { find, peek, resolve, remember, users }
}
