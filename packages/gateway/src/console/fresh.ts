/** An answer that all who ask within a moment share: however many look at a page, the log is asked once. */
import type { Clock } from '../shared/clock.ts'

/** Answers of at most `forMs` of age; an error is told to those who wait for it, and then asked for again. */
export function fresh<T>(clock: Clock, forMs: number, ask: () => Promise<T>): () => Promise<T> {
  let last: { readonly at: number; readonly answer: Promise<T> } | undefined
  return () => {
    const at = clock.elapsed()
    if (last !== undefined && at - last.at < forMs) return last.answer
    const answer = ask()
    const mine = { at, answer }
    last = mine
    answer.catch(() => {
      if (last === mine) last = undefined
    })
    return answer
  }
}
