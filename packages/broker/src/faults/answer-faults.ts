/** Faults of requests and their answers: an answer is delayed, or its connection is closed instead. */
import { apis, type RequestHeader } from '@streampay/kafka/wire'
import type { Schedule } from '../coordinators/schedule.ts'
import { checkDelay, type Fault, Faults, type Wait } from './fault.ts'

/** By Kafka's names: `produce`, `fetch`, `endTxn`, … */
export type ApiName = keyof typeof apis

/** The requests that a fault affects, in the order in which they come. */
export type RequestsToStrike = {
  /** Requests of this API. Default: of all. */
  readonly api?: ApiName
  /** Requests of clients with this client.id. Default: of all. */
  readonly clientId?: string
  /** The number of affected requests. Default: all, until the fault is ended. */
  readonly times?: number
}

/** How long answers are delayed: `ms` milliseconds, or until a promise is settled. */
export type Delay = RequestsToStrike &
  (
    | {
        /** Each answer waits so many milliseconds. */
        readonly ms: number
      }
    | {
        /** The answers are delayed until it is resolved or rejected. */
        readonly until: Promise<unknown>
      }
  )

/** Which answers are lost with their connection, and whether their requests are executed. */
export type Drop = RequestsToStrike & {
  /** `before`: the request is not executed. `after`: it is executed, and only the answer is lost. Default `before`. */
  readonly when?: 'before' | 'after'
}

/** How a connection handles one request. */
export type Struck = {
  readonly drop: 'before' | 'after' | undefined
  /** Has to be awaited before the answer. */
  wait(): Promise<unknown>
}

type Order = {
  readonly apiKey: number | undefined
  readonly clientId: string | undefined
  readonly drop: 'before' | 'after' | undefined
  readonly wait: Wait | undefined
}

export class AnswerFaults {
  readonly #schedule: Schedule
  readonly #faults = new Faults<Order>()

  constructor(schedule: Schedule) {
    this.#schedule = schedule
  }

  /** The only cost of a request without faults. */
  get areNone(): boolean {
    return this.#faults.list.length === 0
  }

  delay(order: Delay): Fault {
    if ('ms' in order) checkDelay(order.ms)
    const wait: Wait = 'ms' in order ? (done) => this.#schedule(order.ms, done) : untilSettled(order.until)
    return this.#add(order, { drop: undefined, wait })
  }

  drop(order: Drop): Fault {
    return this.#add(order, { drop: order.when ?? 'before', wait: undefined })
  }

  /** Must be called once for each request, in their order. */
  strike({ apiKey, clientId }: RequestHeader): Struck | undefined {
    const struck = this.#faults.list.filter(
      ({ order }) =>
        (order.apiKey === undefined || order.apiKey === apiKey) &&
        (order.clientId === undefined || order.clientId === clientId),
    )
    if (struck.length === 0) return undefined
    for (const { fault } of struck) fault.strike()
    return {
      drop: struck.find(({ order }) => order.drop !== undefined)?.order.drop,
      wait: () => Promise.all(struck.map(({ fault, order }) => order.wait && fault.wait(order.wait))),
    }
  }

  clear(): void {
    this.#faults.clear()
  }

  #add({ api, clientId, times }: RequestsToStrike, what: Pick<Order, 'drop' | 'wait'>): Fault {
    if (api !== undefined && !Object.hasOwn(apis, api)) throw new RangeError(`there is no API "${api}"`)
    const apiKey = api === undefined ? undefined : apis[api].key
    return this.#faults.add({ apiKey, clientId, ...what }, times)
  }
}

function untilSettled(promise: Promise<unknown>): Wait {
  return (done) => {
    promise.then(done, done)
    return () => undefined
  }
}
