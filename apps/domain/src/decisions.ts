/** The decision on a command, from what its task knows. A refusal is a returned value; nothing here throws or writes. */
import { isReserved, treasuryId } from './identities.ts'
import { treasuryFloorCents } from './money.ts'
import type { Refusal } from './outcomes.ts'
import { type RequestLimits, refusalOfDebtor } from './payment-requests.ts'
import type { PayBody, PaymentRequest, RequestBody } from './schemas.ts'

/** Why this recipient can't be paid or asked by anyone; checked before the directory. */
export function refusalOfCounterparty(identity: string, recipient: string): Refusal | undefined {
  if (identity === recipient) return { slug: 'own-account' }
  if (isReserved(recipient)) return { slug: 'reserved-recipient' }
  return undefined
}

export type PayFacts = {
  readonly payer: string
  readonly body: PayBody
  /** The request that the body names, if it is known. */
  readonly request: PaymentRequest | undefined
  /** Whether the directory has the recipient. The requester of an open request can be paid without an entry there. */
  readonly recipientKnown: boolean
  /** The payer's balance in cents, after all earlier decisions. */
  readonly balance: number
}

/**
 * Why a payment is refused; undefined if it goes through. The order is the contract: own account, reserved recipient, the
 * request (known, mine, open, made by the recipient, same amount), the recipient, the balance.
 */
export function refusalOfPayment({ payer, body, request, recipientKnown, balance }: PayFacts): Refusal | undefined {
  const counterparty = refusalOfCounterparty(payer, body.userId)
  if (counterparty !== undefined) return counterparty
  if (body.requestId !== undefined) {
    const refusal = refusalOfDebtor(request, payer)
    if (refusal !== undefined) return refusal
    if (request?.requester !== body.userId) return { slug: 'recipient-differs' }
    if (request.amount !== body.amount) return { slug: 'amount-differs', expected: request.amount }
  } else if (!recipientKnown) {
    return { slug: 'unknown-recipient' }
  }
  return refusalOfAmountOwned(payer, balance, body.amount)
}

/** INV-2: only the treasury may be negative, and it has a lower limit, so that every credit fits. */
function refusalOfAmountOwned(payer: string, balance: number, amount: number): Refusal | undefined {
  if (payer === treasuryId) {
    return balance - amount < treasuryFloorCents ? { slug: 'treasury-exhausted' } : undefined
  }
  return balance < amount ? { slug: 'insufficient-funds', available: balance } : undefined
}

export type RequestFacts = {
  readonly requester: string
  readonly body: RequestBody
  readonly debtorKnown: boolean
  /** Requests of the requester that are open, or on their way to their debtors. */
  readonly openOfRequester: number
}

/**
 * Why a request for money is refused by the requester's task: own account, reserved debtor, a requester that is the system
 * itself, the requester's bound, unknown debtor. The debtor's task decides the rest (`refusalOfArrival`).
 */
export function refusalOfRequest(facts: RequestFacts, { maxOpenOfRequester }: RequestLimits): Refusal | undefined {
  const { requester, body, debtorKnown, openOfRequester } = facts
  const counterparty = refusalOfCounterparty(requester, body.userId)
  if (counterparty !== undefined) return counterparty
  if (isReserved(requester)) return { slug: 'reserved-identity' }
  if (openOfRequester >= maxOpenOfRequester) {
    return { slug: 'too-many-requests-open', of: 'requester', limit: maxOpenOfRequester }
  }
  return debtorKnown ? undefined : { slug: 'unknown-recipient' }
}
