/**
 * Payment requests that change: each is judged, by the rules of the whole audit (requests.ts), once it is closed and statistics have
 * written its activity.
 */
import type { Activity, Entry, PaymentRequest } from '@streampay/domain'
import { coordinates, type Finding, isBelow, type Located, type Marks } from '../cut.ts'
import { isSettlement, verifyRequests } from '../requests.ts'
import { boundedMap } from './bounded-map.ts'

type RequestRecords = {
  request: Located<PaymentRequest> | undefined
  isRemoved: boolean
  readonly transactions: Located<Entry>[]
  readonly activities: Located<Activity>[]
}

/** Open requests wait for long: the oldest beyond this number are dropped, and later versions are not compared with their beginning. */
const mostOpen = 50_000
/** The number of judged requests whose end is remembered. */
const mostJudged = 100_000

export class RequestGroups {
  readonly #groups = boundedMap<string, RequestRecords>(mostOpen)
  readonly #judged = boundedMap<string, PaymentRequest['status']>(mostJudged)
  judged = 0;

  /** @param request without value if it is its tombstone */
  *addVersion(id: string, request: Located<PaymentRequest> | undefined): Iterable<Finding> {
    const ended = this.#judged.get(id)
    if (ended !== undefined) {
      if (request === undefined || request.value.status === ended) return
      const message = `request ${id} was ${ended} and is ${request.value.status} now`
      yield { invariant: 'INV-5', message, record: coordinates(request) }
      return
    }
    const group = this.#groupOf(id)
    group.request = request
    group.isRemoved = request === undefined
  }

  *addEntry(entry: Located<Entry>): Iterable<Finding> {
    const { requestId = '' } = entry.value
    if (!isSettlement(entry)) return
    const ended = this.#judged.get(requestId)
    if (ended === undefined) this.#groupOf(requestId).transactions.push(entry)
    else {
      const message = `request ${requestId} was ${ended} and is paid by transfer ${entry.value.transferId}`
      yield { invariant: 'INV-5', message, record: coordinates(entry) }
    }
  }

  addActivity(activity: Located<Activity>): void {
    if (!this.#judged.has(activity.value.id)) this.#groupOf(activity.value.id).activities.push(activity)
  }

  /** @param marks taken before the records that were added last were read */
  *judge(marks: Marks): Iterable<Finding> {
    for (const [id, group] of [...this.#groups.entries()]) {
      if (!isDecided(group, marks)) continue
      this.#groups.delete(id)
      const { request, transactions, activities, isRemoved } = group
      // Only its activities: the request was written before this audit began.
      if (request === undefined && transactions.length === 0) continue
      this.judged += 1
      yield* verifyRequests(marks, {
        requests: new Map(request === undefined ? [] : [[id, request]]),
        removedRequests: new Set(isRemoved ? [id] : []),
        transactions,
        activities,
      })
      if (request !== undefined) this.#judged.set(id, request.value.status)
    }
  }

  #groupOf(id: string): RequestRecords {
    const known = this.#groups.get(id)
    if (known !== undefined) return known
    const group: RequestRecords = { request: undefined, isRemoved: false, transactions: [], activities: [] }
    this.#groups.set(id, group)
    return group
  }
}

function isDecided({ request, transactions }: RequestRecords, marks: Marks): boolean {
  if (!transactions.every((entry) => isBelow(entry, marks.stableTransactions))) return false
  if (request === undefined) return true
  return request.value.status !== 'open' && isBelow(request, marks.countedRequests)
}
