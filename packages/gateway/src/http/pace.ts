/**
 * Holds refusals back for as long as the event loop is behind. A refusal costs nearly as much as what it refuses, so a crowd
 * that asks again at once, whatever Retry-After says, would leave no time to answer those who were let in. Held back, each of
 * them asks less often, until the loop keeps up; then refusals go out at once again.
 *
 *     loop late by L:   hold ← hold + L, at most `mostMs`
 *     loop in time:     hold ← hold × 0.9
 */
export type Pace = {
  /** Resolves when the refusal may be told. */
  readonly hold: () => Promise<void>
  readonly held: () => number
  /** Tells all that are held. */
  readonly close: () => void
}

export type PaceOptions = {
  readonly elapsed: () => number
  /** Beyond, refusals are told at once. */
  readonly mostHeld: number
  readonly mostMs: number
}

const tickMs = 50
/** Less is noise, or the work of a moment. */
const lateMs = 25
const decay = 0.9

export function openPace({ elapsed, mostHeld, mostMs }: PaceOptions): Pace {
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
