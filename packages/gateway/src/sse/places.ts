/** Limits the number of streams, of all and of each person: a place is taken before a stream is opened and given back once. */
import { ProblemError } from '../shared/problem.ts'

export type PlacesOptions = {
  readonly ofAll: number
  readonly ofOne: number
  /** The word for error messages: `streams`. */
  readonly what: string
}

export type Place = {
  /** For the stream that was not opened, or has ended. Only the first call has an effect. */
  readonly release: () => void
}

export class Places {
  readonly #options: PlacesOptions
  readonly #bySubject = new Map<string, number>()
  #taken = 0

  constructor(options: PlacesOptions) {
    this.#options = options
  }

  /**
   * Takes a place at once, so that streams that are opened at the same time are all counted.
   * @throws ProblemError 429
   */
  reserve(subject: string): Place {
    const { ofAll, ofOne, what } = this.#options
    if ((this.#bySubject.get(subject) ?? 0) >= ofOne) {
      throw tooMany(`You have ${ofOne} open ${what}, which is the limit; close one first.`)
    }
    if (this.#taken >= ofAll) throw tooMany(`This gateway has ${ofAll} open ${what} and takes no more for now.`)
    this.#count(subject, 1)
    let held = true
    const release = () => {
      if (held) this.#count(subject, -1)
      held = false
    }
    return { release }
  }

  #count(subject: string, change: 1 | -1): void {
    this.#taken += change
    const left = (this.#bySubject.get(subject) ?? 0) + change
    if (left === 0) this.#bySubject.delete(subject)
    else this.#bySubject.set(subject, left)
  }
}

function tooMany(detail: string): ProblemError {
  return new ProblemError('too-many-requests', detail, { headers: { 'retry-after': '10' } })
}
