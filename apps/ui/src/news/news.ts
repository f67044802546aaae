import type { Entry, PaymentRequest } from '../api/types.ts'

/** My request was paid, was declined, or expired; or a person asks me for money, reminds me of a request, or withdraws it. */
export type RequestNews = {
  readonly kind: 'paid' | 'declined' | 'expired' | 'asked' | 'reminded' | 'withdrawn'
  readonly request: PaymentRequest
}

/** Something that others did, and that concerns me. My own actions are no news. */
export type News =
  | RequestNews
  /** Money came that I had not asked for. */
  | { readonly kind: 'received'; readonly entry: Entry }

/** My own entries and requests as the live views show them, newest first. */
export type Own = {
  readonly entries: readonly Entry[]
  readonly received: readonly PaymentRequest[]
  readonly sent: readonly PaymentRequest[]
}

/** Only this many of the newest rows of a view are compared: older ones come by paging, or were there before. */
const looked = 100

/**
 * Returns what is new in the views since the last call. The first call returns nothing, since those rows were there before. It remembers no
 * more than the views show.
 */
export class NewsReader {
  #entries: ReadonlySet<string> | undefined
  #received: ReadonlyMap<string, PaymentRequest> | undefined
  #sent: ReadonlyMap<string, PaymentRequest> | undefined
  /** The latest time of the log that was seen: what is new is not before it. */
  #latest = { entries: 0, received: 0, sent: 0 }

  look({ entries, received, sent }: Own): News[] {
    return [
      ...this.#changedRequests('sent', sent).flatMap(newsOfSent),
      ...this.#changedRequests('received', received).flatMap(newsOfReceived),
      ...this.#newEntries(entries).flatMap(newsOfEntry),
    ]
  }

  #newEntries(all: readonly Entry[]): Entry[] {
    const entries = all.slice(0, looked)
    const known = this.#entries
    const latest = this.#latest.entries
    this.#entries = new Set(entries.map(({ transferId }) => transferId))
    this.#latest.entries = Math.max(latest, ...entries.map(({ at }) => at))
    return known === undefined ? [] : entries.filter(({ transferId, at }) => !known.has(transferId) && at >= latest)
  }

  #changedRequests(which: 'sent' | 'received', all: readonly PaymentRequest[]): Change[] {
    const requests = all.slice(0, looked)
    const known = which === 'sent' ? this.#sent : this.#received
    const latest = this.#latest[which]
    const now = new Map(requests.map((request) => [request.id, request]))
    if (which === 'sent') this.#sent = now
    else this.#received = now
    this.#latest[which] = Math.max(latest, ...requests.map(changedAt))
    if (known === undefined) return []
    return requests.flatMap((request) => {
      const before = known.get(request.id)
      const isNew = before === undefined ? changedAt(request) >= latest : isOtherVersion(before, request)
      return isNew ? [{ before, request }] : []
    })
  }
}

type Change = { readonly before: PaymentRequest | undefined; readonly request: PaymentRequest }

/** The time of the last change of a request: when it was closed, reminded of, or made. */
export function changedAt({ createdAt, remindedAt, closedAt }: PaymentRequest): number {
  return closedAt ?? remindedAt ?? createdAt
}

function isOtherVersion(before: PaymentRequest, request: PaymentRequest): boolean {
  return before.status !== request.status || before.remindedAt !== request.remindedAt
}

function newsOfSent({ request }: Change): News[] {
  const { status } = request
  return status === 'paid' || status === 'declined' || status === 'expired' ? [{ kind: status, request }] : []
}

function newsOfReceived({ before, request }: Change): News[] {
  if (request.status === 'open') return [{ kind: request.remindedAt === undefined ? 'asked' : 'reminded', request }]
  // A request that was made and closed before it was seen is no news.
  return request.status === 'cancelled' && before !== undefined ? [{ kind: 'withdrawn', request }] : []
}

/** The payment that settles a request of mine is told by the request. */
function newsOfEntry(entry: Entry): News[] {
  const isTold = entry.kind !== 'payment' || entry.amount <= 0 || entry.requestId !== undefined
  return isTold ? [] : [{ kind: 'received', entry }]
}
