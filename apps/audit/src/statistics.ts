/** INV-7: totals equal the fold of the ledger; activities hold each event once. */
import { type Entry, meanOf, type PaymentRequest } from '@streampay/domain'
import { coordinates, type Finding, isBelow, type Located, type LogCut } from './cut.ts'

export function* verifyStatistics(cut: LogCut): Iterable<Finding> {
  yield* verifyTotals(cut)
  yield* verifyAverage(cut)
  yield* verifyActivities(cut)
}

/**
 * While payments go on, the totals trail the ledger, so they lie between what statistics had surely added and what the
 * ledger holds. On a quiet log the two are the same number and the comparison is exact.
 */
function* verifyTotals(cut: LogCut): Iterable<Finding> {
  const all = cut.transactions.filter(isCounted)
  const atMost = fold(all)
  const counted = fold(all.filter((entry) => isBelow(entry, cut.countedTransactions)))
  const atLeast = { count: counted.count - cut.pendingTotals.count, volume: counted.volume - cut.pendingTotals.volume }
  const totals = cut.totals?.value ?? { count: 0, volume: 0 }
  for (const figure of ['count', 'volume'] as const) {
    if (totals[figure] >= atLeast[figure] && totals[figure] <= atMost[figure]) continue
    const expected =
      atLeast[figure] === atMost[figure] ? `${atMost[figure]}` : `${atLeast[figure]} to ${atMost[figure]}`
    yield {
      invariant: 'INV-7',
      message: `total ${figure} is ${totals[figure]}; the ledger makes it ${expected}`,
      ...(cut.totals === undefined ? {} : { record: coordinates(cut.totals) }),
    }
  }
}

function isCounted(entry: Located<Entry>): boolean {
  return entry.value.kind === 'payment' && entry.value.amount < 0
}

function fold(entries: readonly Located<Entry>[]): { count: number; volume: number } {
  return { count: entries.length, volume: entries.reduce((sum, entry) => sum - entry.value.amount, 0) }
}

function* verifyAverage(cut: LogCut): Iterable<Finding> {
  if (cut.totals === undefined || cut.average === undefined || cut.totals.value.count !== cut.average.value.count)
    return
  const mean = meanOf(cut.totals.value)
  if (cut.average.value.mean !== mean) {
    yield {
      invariant: 'INV-7',
      message: `the average is ${cut.average.value.mean}; ${cut.totals.value.volume} over ${cut.totals.value.count} makes ${mean}`,
      record: coordinates(cut.average),
    }
  }
}

function* verifyActivities(cut: LogCut): Iterable<Finding> {
  const seen = new Map<string, string>()
  for (const activity of cut.activities) {
    const event = `${activity.value.type} ${activity.value.id}`
    const earlier = seen.get(event)
    if (earlier !== undefined) {
      yield {
        invariant: 'INV-7',
        message: `activity ${event} stands twice`,
        record: `${earlier}, ${coordinates(activity)}`,
      }
    }
    seen.set(event, coordinates(activity))
  }
  for (const entry of cut.transactions) {
    if (!isCounted(entry) || !isBelow(entry, cut.countedTransactions) || entry.value.at < cut.activitiesFrom) continue
    if (!seen.has(`payment ${entry.value.transferId}`)) {
      yield {
        invariant: 'INV-7',
        message: `no activity tells of payment ${entry.value.transferId}`,
        record: coordinates(entry),
      }
    }
  }
  for (const request of cut.requests.values()) yield* verifyRequestActivities(cut, request, seen)
  yield* verifyPaymentActivities(cut)
}

function* verifyRequestActivities(
  cut: LogCut,
  request: Located<PaymentRequest>,
  seen: ReadonlyMap<string, string>,
): Iterable<Finding> {
  if (!isBelow(request, cut.countedRequests)) return
  const { id, status, createdAt, closedAt } = request.value
  const events: [string, number][] = [[`request ${id}`, createdAt]]
  if (status === 'declined') events.push([`decline ${id}`, closedAt ?? createdAt])
  if (status === 'cancelled') events.push([`cancel ${id}`, closedAt ?? createdAt])
  for (const [event, at] of events) {
    if (at < cut.activitiesFrom || seen.has(event)) continue
    yield { invariant: 'INV-7', message: `no activity tells of ${event}`, record: coordinates(request) }
  }
}

/** A payment's activity tells of a transfer that is on the ledger, with its amount. */
function* verifyPaymentActivities(cut: LogCut): Iterable<Finding> {
  const payments = new Map(cut.transactions.filter(isCounted).map((entry) => [entry.value.transferId, entry]))
  for (const activity of cut.activities) {
    if (activity.value.type !== 'payment') continue
    const entry = payments.get(activity.value.id)
    if (entry === undefined) {
      yield {
        invariant: 'INV-7',
        message: `an activity tells of payment ${activity.value.id}, which is not on the ledger`,
        record: coordinates(activity),
      }
    } else if (entry.value.amount !== -activity.value.amount || entry.value.account !== activity.value.from) {
      yield {
        invariant: 'INV-7',
        message: `the activity of payment ${activity.value.id} differs from its entry`,
        record: `${coordinates(activity)}, ${coordinates(entry)}`,
      }
    }
  }
}
