/**
 * The decision on a command, from what its task knows: `decide(facts)` is called once and returns what is to be done, or a refusal.
 * Nothing here throws or writes.
 */
import { isReserved, treasuryId } from './identities.ts'
import { treasuryFloorCents } from './money.ts'
import type { Refusal, Refused } from './outcomes.ts'
import { decideSettlement, type RequestLimits } from './payment-requests.ts'
import type { PayBody, PaymentRequest, RequestBody } from './schemas.ts'

/**
 * Looks a person up in the directory, which may not know yet: then its answer (`Later`) is the result instead of a decision. It is called
 * only if no earlier rule refuses, so that such a refusal does not wait for the directory.
 */
export type LookUp<Later = never> = () => 'known' | 'unknown' | Later

export type PayFacts<Later = never> = {
  readonly payer: string
  readonly body: PayBody
  /** The request that the body names, if it is known. */
  readonly request: PaymentRequest | undefined
  /** Whether the directory has the recipient. The requester of an open request can be paid without an entry there. */
  readonly recipient: LookUp<Later>
  /** The payer's balance in cents, after all earlier decisions. */
  readonly balance: number
}

/** `settles`: the open request that the payment is for. */
export type PayDecision = Refused | { readonly kind: 'pay'; readonly settles: PaymentRequest | undefined }

/**
 * The order of the refusals is the contract: own account, reserved recipient, the request (known, mine, open, made by the recipient,
 * same amount), the recipient, the balance.
 */
export function decidePayment<Later = never>(facts: PayFacts<Later>): PayDecision | Later {
  const { payer, body, request, recipient, balance } = facts
  const counterparty = refusalOfCounterparty(payer, body.userId)
  if (counterparty !== undefined) return refused(counterparty)
  let settles: PaymentRequest | undefined
  if (body.requestId !== undefined) {
    const decision = decideSettlement(request, payer)
    if (decision.kind === 'refused') return decision
    settles = decision.request
    if (settles.requester !== body.userId) return refused({ slug: 'recipient-differs' })
    if (settles.amount !== body.amount) return refused({ slug: 'amount-differs', expected: settles.amount })
  } else {
    const found = recipient()
    if (found === 'unknown') return refused({ slug: 'unknown-recipient' })
    if (found !== 'known') return found
  }
  const refusal = refusalOfAmountOwned(payer, balance, body.amount)
  return refusal === undefined ? { kind: 'pay', settles } : refused(refusal)
}

/** INV-2: only the treasury may be negative, and it has a lower limit, so that every credit fits. */
function refusalOfAmountOwned(payer: string, balance: number, amount: number): Refusal | undefined {
  if (payer === treasuryId) {
    return balance - amount < treasuryFloorCents ? { slug: 'treasury-exhausted' } : undefined
  }
  return balance < amount ? { slug: 'insufficient-funds', available: balance } : undefined
}

export type RequestFacts<Later = never> = {
  readonly requester: string
  readonly body: RequestBody
  readonly debtor: LookUp<Later>
  /** Requests of the requester that are open, or on their way to their debtors. */
  readonly openOfRequester: number
}

/**
 * What the requester's task can decide of a request for money. In the order in which they are told: own account, reserved debtor, a
 * requester that is the system itself, the requester's bound, unknown debtor. The debtor's task decides the rest (`refusalOfArrival`).
 */
export function decideRequest<Later = never>(
  { requester, body, debtor, openOfRequester }: RequestFacts<Later>,
  { maxOpenOfRequester }: RequestLimits,
): Refused | { readonly kind: 'ask' } | Later {
  const counterparty = refusalOfCounterparty(requester, body.userId)
  if (counterparty !== undefined) return refused(counterparty)
  if (isReserved(requester)) return refused({ slug: 'reserved-identity' })
  if (openOfRequester >= maxOpenOfRequester) {
    return refused({ slug: 'too-many-requests-open', of: 'requester', limit: maxOpenOfRequester })
  }
  const found = debtor()
  if (found === 'unknown') return refused({ slug: 'unknown-recipient' })
  return found === 'known' ? { kind: 'ask' } : found
}

/** Why `identity` cannot pay or ask this recipient; checked before the directory. */
function refusalOfCounterparty(identity: string, recipient: string): Refusal | undefined {
  if (identity === recipient) return { slug: 'own-account' }
  if (isReserved(recipient)) return { slug: 'reserved-recipient' }
  return undefined
}

function refused(refusal: Refusal): Refused {
  return { kind: 'refused', refusal }
}
