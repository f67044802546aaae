/** Limits the rate of all callers together to `perSecond`, to bound the load on a small machine. */
export function turns(perSecond: number): () => Promise<void> {
  const everyMs = 1_000 / perSecond
  let next = 0
  return async () => {
    const now = performance.now()
    next = Math.max(now, next + everyMs)
    if (next > now) await new Promise((resolve) => setTimeout(resolve, next - now))
  }
}
