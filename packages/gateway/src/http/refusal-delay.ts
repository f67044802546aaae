/**
 * Delays refusals while the event loop is late. A refusal costs nearly as much as the refused request, so many clients that
 * repeat at once, in spite of Retry-After, would leave no time to answer the accepted requests. With the delay, each of
 * them repeats less often, until the loop is in time; then refusals are sent at once again.
 *
 *     loop late by L:   hold ← hold + L, at most `mostMs`
 *     loop in time:     hold ← hold × 0.9
 */
export type RefusalDelay = {
  /** Resolves when the refusal may be sent. */
  readonly hold: () => Promise<void>
  readonly held: () => number
  /** Releases all delayed refusals. */
  readonly close: () => void
}

export type RefusalDelayOptions = {
  readonly elapsed: () => number
  /** The number of delayed refusals; further ones are sent at once. */
  readonly mostHeld: number
  readonly mostMs: number
}

const tickMs = 50
/** A shorter delay is noise, or one short task. */
const lateMs = 25
const decay = 0.9

export function openRefusalDelay({ elapsed, mostHeld, mostMs }: RefusalDelayOptions): RefusalDelay {
  const held = new Set<() => void>()
  let holdMs = 0
  let dueAt = elapsed() + tickMs

  const tick = () => {
    const late = elapsed() - dueAt
    holdMs = late > lateMs ? Math.min(mostMs, holdMs + late) : holdMs * decay
    dueAt = elapsed() + tickMs
  }
  const timer = setInterval(tick, tickMs)

  function hold(): Promise<void> {
    if (holdMs < 1 || held.size >= mostHeld) return Promise.resolve()
    return new Promise((resolve) => {
      const tell = () => {
        clearTimeout(waiting)
        held.delete(tell)
        resolve()
      }
      const waiting = setTimeout(tell, holdMs)
      held.add(tell)
    })
  }

  return {
    hold,
    held: () => held.size,
    close: () => {
      clearInterval(timer)
      for (const tell of [...held]) tell()
    },
  }
}
