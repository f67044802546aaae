/**
 * One line for each refused token, permission or identity, at most so many per second: lines that clients cause must not push
 * other lines out of a rotated log. The first line of a later second has the number of lines that were left out.
 */
import type { Clock } from '../shared/clock.ts'
import { AccessRefusal } from './access-refusal.ts'

const linesPerSecond = 10
const secondMs = 1_000

export type RefusalLogOptions = {
  readonly logger: { readonly warn: (details: object, message: string) => void }
  readonly clock: Clock
  readonly onRefused: (reason: string) => void
}

export type RefusalLog = {
  /** @param route the pattern of the route, because a path may have ids */
  readonly note: (error: unknown, route: string) => void
}

export function openRefusalLog({ logger, clock, onRefused }: RefusalLogOptions): RefusalLog {
  let secondBegan = Number.NEGATIVE_INFINITY
  let written = 0
  let leftOut = 0
  return {
    note(error, route) {
      if (!(error instanceof AccessRefusal)) return
      onRefused(error.slug)
      const now = clock.elapsed()
      if (now - secondBegan >= secondMs) {
        secondBegan = now
        written = 0
      }
      if (written === linesPerSecond) {
        leftOut++
        return
      }
      written++
      const { subjectDigest: subject, slug: problem, message: reason } = error
      const details = { route, problem, reason, subject, ...(leftOut > 0 ? { leftOut } : {}) }
      leftOut = 0
      logger.warn(details, 'access refused')
    },
  }
}
