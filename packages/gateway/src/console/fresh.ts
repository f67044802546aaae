/** An answer that all requests within a moment share: the log is asked once, for any number of open pages. */
import type { Clock } from '../shared/clock.ts'

/** Answers are at most `forMs` old; an error goes to the requests that wait for it, and the next request asks again. */
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
