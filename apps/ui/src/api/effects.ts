import { isPrivate } from '@streampay/domain'
import type { Intent, Wanted } from './intents.ts'
import type { Entry, PaymentRequest } from './types.ts'

/** What this tab knows of the ledger, in any order: own entries, requests made, and requests received. */
export type Ledger = {
  readonly entries: readonly Entry[]
  readonly sent: readonly PaymentRequest[]
  readonly incoming: readonly PaymentRequest[]
}

/** The effect of an intent as the ledger shows it. */
export type Effect = { readonly id: string; readonly at: number }

/** The browser's clock may be ahead of the log's by this much before a new entry is taken for an older one. */
const slackMs = 10 * 60_000

/**
 * Finds the effects of intents whose answers were lost. An entry is the effect of a payment if it has the same content, did not exist
 * before the payment was begun, and belongs to no other intent. Of two payments with the same content, the one that was sent first has the
 * first entry.
 * @param intents oldest first
 * @param known ids that other intents are known to have made
 */
export function effectsOf(
  intents: readonly Intent[],
  ledger: Ledger,
  known: readonly string[],
): ReadonlyMap<Intent, Effect> {
  const taken = new Set(known)
  const found = new Map<Intent, Effect>()
  for (const intent of intents) {
    const effect = candidatesFor(intent, ledger)
      .filter(({ id, at }) => !taken.has(id) && !intent.before.includes(id) && at >= intent.startedAt - slackMs)
      .sort((left, right) => left.at - right.at)[0]
    const closing = effect ?? closingOf(intent, ledger)
    if (closing === undefined) continue
    taken.add(closing.id)
    found.set(intent, closing)
  }
  return found
}

/** Ids of what exists already and has the same content as the effect of this intent: see {@link Intent.before}. */
export function looksLike(wanted: Pick<Wanted, 'kind' | 'body'>, ledger: Ledger): readonly string[] {
  return candidatesFor(wanted, ledger).map(({ id }) => id)
}

function candidatesFor({ kind, body }: Pick<Intent, 'kind' | 'body'>, { entries, sent }: Ledger): Effect[] {
  const { userId, amount, notes, requestId, visibility } = body
  const isSeenAlike = (one: Entry | PaymentRequest) => isPrivate(one) === (visibility === 'private')
  if (kind === 'pay' && requestId === undefined) {
    return entries
      .filter((entry) => entry.kind === 'payment' && entry.requestId === undefined && entry.counterparty === userId)
      .filter((entry) => entry.amount === -Number(amount) && entry.notes === notes && isSeenAlike(entry))
      .map(({ transferId, at }) => ({ id: transferId, at }))
  }
  if (kind === 'request') {
    return sent
      .filter(
        (request) =>
          request.debtor === userId && request.amount === amount && request.notes === notes && isSeenAlike(request),
      )
      .map(({ id, createdAt }) => ({ id, at: createdAt }))
  }
  return []
}

/** The effect of what can only be done once, at any time; or of a reminder, which can be sent again a day later. */
function closingOf({ kind, body, path, startedAt }: Intent, { entries, sent, incoming }: Ledger): Effect | undefined {
  if (kind === 'pay') {
    const entry = entries.find(({ requestId, amount }) => requestId === body.requestId && amount < 0)
    return body.requestId === undefined || entry === undefined ? undefined : { id: entry.transferId, at: entry.at }
  }
  const id = decodeURIComponent(path.split('/')[2] ?? '')
  if (kind === 'remind') {
    const at = sent.find((request) => request.id === id)?.remindedAt
    return at === undefined || at < startedAt - slackMs ? undefined : { id, at }
  }
  if (kind !== 'decline' && kind !== 'cancel') return undefined
  const isDecline = kind === 'decline'
  const closed = (isDecline ? incoming : sent).find((request) => request.id === id)
  if (closed?.status !== (isDecline ? 'declined' : 'cancelled')) return undefined
  return { id, at: closed.closedAt ?? closed.createdAt }
}
