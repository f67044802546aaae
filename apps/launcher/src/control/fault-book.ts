/**
 * The faults that were caused, and the outcome of each: from the moment of the order until the service is back, and then, by the books,
 * what was lost or done twice.
 */
import type { Books, Fault } from '@streampay/domain/control'

/** The newest faults, which are reported. */
const mostFaults = 20
/** For this long after a service is back, waiting commands and findings of the books still belong to its fault. */
const aftermathMs = 5_000

type Open = {
  fault: Fault
  /** The books at the time of the fault. */
  readonly before: { readonly lost: number; readonly doubled: number }
  /** Of the clock, in ms. */
  readonly orderedAt: number
  endsAt: number | undefined
}

export type FaultClock = {
  /** Never goes back; in ms. */
  elapsed(): number
  /** In ms since the epoch. */
  now(): number
}

export class FaultBook {
  readonly #clock: FaultClock
  #entries: Open[] = []
  #lastId = 0
  #books: Pick<Books, 'lost' | 'doubled'> = { lost: 0, doubled: 0 }

  constructor(clock: FaultClock) {
    this.#clock = clock
  }

  /** Newest first. */
  get faults(): readonly Fault[] {
    return this.#entries.map(({ fault }) => fault).reverse()
  }

  begin(service: string, what: Fault['what']): Fault {
    this.#lastId += 1
    const fault: Fault = {
      id: this.#lastId,
      at: this.#clock.now(),
      service,
      what,
      noticedAfterMs: undefined,
      backAfterMs: undefined,
      waited: 0,
      lost: 0,
      doubled: 0,
    }
    const { lost, doubled } = this.#books
    this.#entries.push({ fault, before: { lost, doubled }, orderedAt: this.#clock.elapsed(), endsAt: undefined })
    this.#entries = this.#entries.slice(-mostFaults)
    return fault
  }

  /** The process is gone, or does not answer. */
  noticed(service: string): void {
    this.#change(
      ({ fault }) => fault.service === service,
      (fault, afterMs) => ({
        ...fault,
        noticedAfterMs: fault.noticedAfterMs ?? afterMs,
      }),
    )
  }

  /** The service is ready again. */
  back(service: string): void {
    this.#end(({ fault }) => fault.service === service)
  }

  /** A paused service sends a message again. This does not end its other faults. */
  resumed(service: string): void {
    this.#end(({ fault }) => fault.service === service && fault.what === 'pause')
  }

  /** Takes the present state of the books. */
  told({ waiting, lost, doubled }: Pick<Books, 'waiting' | 'lost' | 'doubled'>): void {
    this.#books = { lost, doubled }
    const now = this.#clock.elapsed()
    for (const entry of this.#entries) {
      const isOver = entry.endsAt !== undefined && entry.endsAt < now
      if (isOver) continue
      const { fault, before } = entry
      entry.fault = {
        ...fault,
        waited: Math.max(fault.waited, waiting),
        lost: lost - before.lost,
        doubled: doubled - before.doubled,
      }
    }
  }

  #end(isMeant: (entry: Open) => boolean): void {
    for (const entry of this.#entries) {
      if (isMeant(entry)) entry.endsAt ??= this.#clock.elapsed() + aftermathMs
    }
    this.#change(isMeant, (fault, afterMs) => ({
      ...fault,
      noticedAfterMs: fault.noticedAfterMs ?? afterMs,
      backAfterMs: afterMs,
    }))
  }

  #change(isMeant: (entry: Open) => boolean, update: (fault: Fault, afterMs: number) => Fault): void {
    for (const entry of this.#entries) {
      if (entry.fault.backAfterMs !== undefined || !isMeant(entry)) continue
      entry.fault = update(entry.fault, Math.round(this.#clock.elapsed() - entry.orderedAt))
    }
  }
}
