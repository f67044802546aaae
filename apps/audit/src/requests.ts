/** INV-5: a payment request is settled at most once, by its debtor, for its amount. */
import { closedRequestsKeptMs, type Entry, type PaymentRequest } from '@streampay/domain'
import { coordinates, type Finding, isBelow, type Located, type LogCut } from './cut.ts'

export function* verifyRequests(cut: LogCut): Iterable<Finding> {
  const settlements = new Map<string, Located<Entry>[]>()
  for (const entry of cut.transactions) {
    const { requestId, amount } = entry.value
    if (requestId === undefined || amount >= 0) continue
    const known = settlements.get(requestId)
    if (known === undefined) settlements.set(requestId, [entry])
    else known.push(entry)
  }
  for (const [requestId, entries] of settlements) yield* verifySettlements(cut, requestId, entries)
  for (const [requestId, request] of cut.requests) {
    if (request.value.status === 'paid' && !settlements.has(requestId)) {
      yield {
        invariant: 'INV-5',
        message: `request ${requestId} is paid, but no entry settles it`,
        record: coordinates(request),
      }
    }
  }
}

function* verifySettlements(cut: LogCut, requestId: string, entries: readonly Located<Entry>[]): Iterable<Finding> {
  const [first] = entries
  if (first === undefined) return
  if (entries.length > 1) {
    const record = entries.map(coordinates).join(', ')
    yield { invariant: 'INV-5', message: `request ${requestId} was paid ${entries.length} times`, record }
  }
  const request = cut.requests.get(requestId)
  if (request !== undefined) {
    for (const entry of entries) yield* verifySettlement(cut, request, entry)
  } else if (
    !cut.removedRequests.has(requestId) &&
    !mayBeForgotten(cut, first) &&
    isBelow(first, cut.stableTransactions)
  ) {
    yield {
      invariant: 'INV-5',
      message: `transfer ${first.value.transferId} pays request ${requestId}, which is unknown`,
      record: coordinates(first),
    }
  }
}

/** The tombstone of a request that was closed so long ago may itself be gone: compaction keeps it for a day. */
function mayBeForgotten({ takenAt }: LogCut, settlement: Located<Entry>): boolean {
  return settlement.value.at + closedRequestsKeptMs <= takenAt
}

function* verifySettlement(cut: LogCut, request: Located<PaymentRequest>, entry: Located<Entry>): Iterable<Finding> {
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
  if (!isBelow(entry, cut.stableTransactions)) return
  if (status !== 'paid') yield { invariant: 'INV-5', message: `request ${id} was paid but is ${status}`, record }
  else if (transferId !== entry.value.transferId) {
    yield {
      invariant: 'INV-5',
      message: `request ${id} names transfer ${transferId}, but ${entry.value.transferId} paid it`,
      record,
    }
  }
}
