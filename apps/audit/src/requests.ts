/**
 * The checks of one payment request alone: it is settled at most once, by its debtor, for its amount, and reminded of at most once a day
 * (INV-5); and activities include it if it is public, and not if it is private (INV-7). All records of a request must be in the group.
 */
import {
  type Activity,
  closedRequestsKeptMs,
  type Entry,
  isPrivate,
  type PaymentRequest,
  reminderPauseMs,
} from '@streampay/domain'
import { coordinates, type Finding, isBelow, type Located, type Marks } from './cut.ts'
import { eventOf, repeatedActivities } from './repeated-activities.ts'

export type RequestGroup = {
  /** The newest version of each; those that have a tombstone are in the other map. */
  readonly requests: ReadonlyMap<string, Located<PaymentRequest>>
  readonly removedRequests: ReadonlySet<string>
  /** Entries that pay a request; others are skipped. */
  readonly transactions: readonly Located<Entry>[]
  /** Activities of requests; those of payments are skipped. */
  readonly activities: readonly Located<Activity>[]
}

export function* verifyRequests(marks: Marks, group: RequestGroup): Iterable<Finding> {
  const settling = group.transactions.filter(isSettlement)
  const settlements = Map.groupBy(settling, ({ value }) => value.requestId ?? '')
  for (const [requestId, entries] of settlements) yield* verifySettlements(marks, group, { requestId, entries })
  for (const [requestId, request] of group.requests) {
    if (request.value.status === 'paid' && !settlements.has(requestId)) {
      yield {
        invariant: 'INV-5',
        message: `request ${requestId} is paid, but no entry settles it`,
        record: coordinates(request),
      }
    }
  }
  for (const request of group.requests.values()) yield* verifyReminders(request)
  const activities = group.activities.filter(({ value }) => value.type !== 'payment')
  yield* repeatedActivities(activities)
  const told = new Set(activities.map(eventOf))
  for (const request of group.requests.values()) yield* verifyActivities(marks, request, told)
}

/** The most that clocks of the log's nodes may differ, in ms. */
const clocksDifferMs = 60 * 60 * 1000

/** N reminders take at least N − 1 days. */
function* verifyReminders(request: Located<PaymentRequest>): Iterable<Finding> {
  const { id, createdAt, remindedAt, reminders } = request.value
  if (remindedAt === undefined && reminders === undefined) return
  const span = (remindedAt ?? createdAt) - createdAt + clocksDifferMs
  if (reminders !== undefined && remindedAt !== undefined && (reminders - 1) * reminderPauseMs <= span) return
  const message = `request ${id} of ${createdAt} had ${reminders} reminders until ${remindedAt}`
  yield { invariant: 'INV-5', message, record: coordinates(request) }
}

/** Whether it is the payer's side of a payment that pays a request. */
export function isSettlement({ value }: Located<Entry>): boolean {
  return value.requestId !== undefined && value.amount < 0
}

function* verifySettlements(
  marks: Marks,
  group: RequestGroup,
  { requestId, entries }: { readonly requestId: string; readonly entries: readonly Located<Entry>[] },
): Iterable<Finding> {
  const [first] = entries
  if (first === undefined) return
  if (entries.length > 1) {
    const record = entries.map(coordinates).join(', ')
    yield { invariant: 'INV-5', message: `request ${requestId} was paid ${entries.length} times`, record }
  }
  const request = group.requests.get(requestId)
  if (request !== undefined) {
    for (const entry of entries) yield* verifySettlement(marks, request, entry)
  } else if (
    !group.removedRequests.has(requestId) &&
    !mayBeForgotten(marks, first) &&
    isBelow(first, marks.stableTransactions)
  ) {
    yield {
      invariant: 'INV-5',
      message: `transfer ${first.value.transferId} pays request ${requestId}, which is unknown`,
      record: coordinates(first),
    }
  }
}

/** The tombstone of a request that was closed long ago may itself be gone: compaction keeps it for a day. */
function mayBeForgotten({ takenAt }: Marks, settlement: Located<Entry>): boolean {
  return settlement.value.at + closedRequestsKeptMs <= takenAt
}

function* verifySettlement(marks: Marks, request: Located<PaymentRequest>, entry: Located<Entry>): Iterable<Finding> {
  const record = `${coordinates(entry)}, ${coordinates(request)}`
  const { id, debtor, requester, amount, status, transferId } = request.value
  if (entry.value.account !== debtor || entry.value.counterparty !== requester) {
    yield {
      invariant: 'INV-5',
      message: `request ${id} from ${requester} to ${debtor} was paid by ${entry.value.account} to ${entry.value.counterparty}`,
      record,
    }
  }
  if (entry.value.amount !== -amount) {
    yield { invariant: 'INV-5', message: `request ${id} over ${amount} was paid with ${-entry.value.amount}`, record }
  }
  if (isPrivate(request.value) && !isPrivate(entry.value)) {
    yield { invariant: 'INV-7', message: `request ${id} is private, and its payment is public`, record }
  }
  if (!isBelow(entry, marks.stableTransactions)) return
  if (status !== 'paid') yield { invariant: 'INV-5', message: `request ${id} was paid but is ${status}`, record }
  else if (transferId !== entry.value.transferId) {
    yield {
      invariant: 'INV-5',
      message: `request ${id} names transfer ${transferId}, but ${entry.value.transferId} paid it`,
      record,
    }
  }
}

function* verifyActivities(
  marks: Marks,
  request: Located<PaymentRequest>,
  told: ReadonlySet<string>,
): Iterable<Finding> {
  const { id, status, createdAt, closedAt } = request.value
  if (isPrivate(request.value)) {
    for (const event of [`request ${id}`, `decline ${id}`, `cancel ${id}`]) {
      if (!told.has(event)) continue
      yield { invariant: 'INV-7', message: `there is an activity of private ${event}`, record: coordinates(request) }
    }
    return
  }
  if (!isBelow(request, marks.countedRequests)) return
  const events: [string, number][] = [[`request ${id}`, createdAt]]
  if (status === 'declined') events.push([`decline ${id}`, closedAt ?? createdAt])
  if (status === 'cancelled') events.push([`cancel ${id}`, closedAt ?? createdAt])
  for (const [event, at] of events) {
    if (at < marks.activitiesFrom || told.has(event)) continue
    yield { invariant: 'INV-7', message: `there is no activity of ${event}`, record: coordinates(request) }
  }
}
