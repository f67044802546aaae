/**
 * How a service is, told to its parent once a second: memory, processor time, and in a few words what it does. Only a parent that
 * asks for it, by STREAMPAY_VITALS=on, is told; without one this costs nothing.
 */
export type Vitals = {
  /** Resident set, in bytes. */
  readonly rssBytes: number
  /** Of the V8 heap in use, in bytes. */
  readonly heapBytes: number
  /** Processor time since the start, of all threads, in ms. */
  readonly cpuMs: number
  /** What it does now, in words that a person reads. */
  readonly doing: string
  /** Figures of its own, such as `lag` in records. */
  readonly figures: Readonly<Record<string, number>>
  /** How long each of the commands took that were answered since the last time, in ms; a sample if there were very many. */
  readonly tookMs: readonly number[]
}

/** What only the service itself knows. */
export type OwnVitals = Pick<Vitals, 'doing' | 'figures'> & Partial<Pick<Vitals, 'tookMs'>>

const everyMs = 1_000

/**
 * From now on.
 * @param read asked once a second; must not throw
 * @returns ends it
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

/** Durations of the last second, at most so many of them: of the rest every second one is kept, then every fourth, and so on. */
const mostDurations = 500

/** Gathers how long things took, in ms, for `tookMs` of the vitals, in bounded memory. */
export class Durations {
  #kept: number[] = []
  #step = 1
  /** How many there were, kept or not, since they were taken. */
  count = 0

  /** Notes one more, in ms. */
  add(ms: number): void {
    this.count += 1
    if (this.count % this.#step !== 0) return
    this.#kept.push(ms)
    if (this.#kept.length < mostDurations) return
    this.#kept = this.#kept.filter((_, index) => index % 2 === 0)
    this.#step *= 2
  }

  /** Those since the last time. */
  take(): { readonly count: number; readonly tookMs: readonly number[] } {
    const taken = { count: this.count, tookMs: this.#kept }
    this.#kept = []
    this.#step = 1
    this.count = 0
    return taken
  }
}
