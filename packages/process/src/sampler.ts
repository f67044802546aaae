/** Selects a limited number of events. */
export type Sampler = {
  /** Whether one more event of `subject` is selected in this second. */
  take(subject: string): boolean
}

/** The limits of a sampler, and its clock. */
export type SamplerOptions = {
  /** The largest number of subjects that are selected in a second; 0: none. */
  readonly perSecond: number
  /** The limit of one subject, so that it leaves room for others. */
  readonly perSecondOfOne: number
  /** Monotonic milliseconds. */
  readonly elapsed: () => number
}

/**
 * Selects this number per second, the first ones of each second; its memory is limited by that number.
 * @example
 * ```ts
 * import { openSampler } from '@streampay/process'
 *
 * const nowMs = 0
 * const sampler = openSampler({ perSecond: 3, perSecondOfOne: 2, elapsed: () => nowMs })
 * console.log(['ada', 'ada', 'ada', 'bob', 'eve'].filter((subject) => sampler.take(subject))) // → [ 'ada', 'ada', 'bob' ]
 * ```
 */
export function openSampler({ perSecond, perSecondOfOne, elapsed }: SamplerOptions): Sampler {
  let endsAt = -Infinity
  let taken = 0
  const ofSubject = new Map<string, number>()
  return {
    take(subject) {
      const now = elapsed()
      if (now >= endsAt) {
        endsAt = now + 1_000
        taken = 0
        ofSubject.clear()
      }
      const own = ofSubject.get(subject) ?? 0
      if (taken >= perSecond || own >= perSecondOfOne) return false
      taken++
      ofSubject.set(subject, own + 1)
      return true
    },
  }
}
