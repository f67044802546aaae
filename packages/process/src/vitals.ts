/**
 * What a service does at present: a code, such as `serves-streams`, and the facts that belong to it, such as `count`. The program that
 * shows it has the words, in each of its languages.
 */
export type Doing = {
  readonly what: string
  readonly [fact: string]: string | number | readonly number[]
}

/**
 * The state of a service, sent to its parent once a second: memory, processor time, and its present work. It is only
 * sent to a parent that asks for it, by STREAMPAY_VITALS=on; otherwise it costs nothing.
 */
export type Vitals = {
  /** Resident set, in bytes. */
  readonly rssBytes: number
  /** The used V8 heap, in bytes. */
  readonly heapBytes: number
  /** Processor time since the start, of all threads, in ms. */
  readonly cpuMs: number
  /** Its present work. */
  readonly doing: Doing
  /** Figures of the service, such as `lag` in records. */
  readonly figures: Readonly<Record<string, number>>
  /** The times, in ms, of the commands that were answered since the last message; a sample if there were very many. */
  readonly tookMs: readonly number[]
}

/** The values that only the service knows. */
export type OwnVitals = Pick<Vitals, 'doing' | 'figures'> & Partial<Pick<Vitals, 'tookMs'>>

const everyMs = 1_000

/**
 * Sends vitals from now on.
 * @param read called once a second; must not throw
 * @returns a function that ends it
 */
export function tellVitals(env: NodeJS.ProcessEnv, read: () => OwnVitals): () => void {
  if (env.STREAMPAY_VITALS !== 'on' || process.send === undefined) return () => undefined
  const tell = () => {
    if (!process.connected) return
    const { rss, heapUsed } = process.memoryUsage()
    const { user, system } = process.cpuUsage()
    const vitals: Vitals = {
      rssBytes: rss,
      heapBytes: heapUsed,
      cpuMs: (user + system) / 1000,
      tookMs: [],
      ...read(),
    }
    process.send?.({ type: 'vitals', vitals }, undefined, undefined, () => undefined)
  }
  const timer = setInterval(tell, everyMs)
  timer.unref()
  tell()
  return () => clearInterval(timer)
}

/** The largest number of durations of the last second: of further ones every second is kept, then every fourth, and so on. */
const mostDurations = 500

/** Collects durations, in ms, for `tookMs` of the vitals, in limited memory. */
export class Durations {
  #kept: number[] = []
  #step = 1
  /** The number of durations, kept or not, since the last `take`. */
  count = 0

  /** Adds a duration, in ms. */
  add(ms: number): void {
    this.count += 1
    if (this.count % this.#step !== 0) return
    this.#kept.push(ms)
    if (this.#kept.length < mostDurations) return
    this.#kept = this.#kept.filter((_, index) => index % 2 === 0)
    this.#step *= 2
  }

  /** Returns those since the last call. */
  take(): { readonly count: number; readonly tookMs: readonly number[] } {
    const taken = { count: this.count, tookMs: this.#kept }
    this.#kept = []
    this.#step = 1
    this.count = 0
    return taken
  }
}
