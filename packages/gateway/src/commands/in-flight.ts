/** How many commands may wait for their replies at once: of one identity, and of all. */
import { ProblemError } from '../http/problem.ts'

export type InFlight = {
  /** Call the result when the command has been answered. @throws ProblemError 429 */
  readonly enter: (identity: string) => () => void
  readonly size: () => number
  /** Resolves when none is left, or after the time. */
  readonly idle: (timeoutMs: number) => Promise<void>
}

export function openInFlight(bounds: { readonly ofOne: number; readonly ofAll: number }): InFlight {
  const byIdentity = new Map<string, number>()
  let all = 0
  let onIdle: () => void = () => undefined

  function enter(identity: string): () => void {
    const own = byIdentity.get(identity) ?? 0
    const headers = { 'retry-after': '1' }
    if (own >= bounds.ofOne) {
      throw new ProblemError('too-many-requests', `${bounds.ofOne} of your commands wait for an answer already.`, {
        headers,
      })
    }
    if (all >= bounds.ofAll) {
      throw new ProblemError('too-many-requests', `${bounds.ofAll} commands wait for an answer already.`, { headers })
    }
    byIdentity.set(identity, own + 1)
    all++
    return () => {
      all--
      const left = (byIdentity.get(identity) ?? 1) - 1
      if (left === 0) byIdentity.delete(identity)
      else byIdentity.set(identity, left)
      if (all === 0) onIdle()
    }
  }

  async function idle(timeoutMs: number): Promise<void> {
    if (all === 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, timeoutMs)
    onIdle = resolve
    await promise
    clearTimeout(timer)
  }

  return { enter, size: () => all, idle }
}
