import type { PaymentRequest, User, Visibility } from '../api/types.ts'
import { identity } from '../session/session.ts'

/** What a person has filled in on the way to a payment or request. */
export type Draft = {
  readonly mode: 'pay' | 'request'
  readonly person: User | undefined
  readonly amountText: string
  readonly notes: string
  /** Undefined: the profile's choice. What settles a private request is private. */
  readonly visibility: Visibility | undefined
  /** The request that is settled; person and amount are then given. */
  readonly request: PaymentRequest | undefined
}

/** What was just done, for the page of the payment or request that it made. */
export type Receipt = {
  readonly draft: Draft
  readonly person: User
  readonly cents: number
  /** The balance after the payment, if the answer had it. */
  readonly balance: number | undefined
  /** Set if the answer is that of an earlier request, begun at this time: nothing happened now. */
  readonly beganBefore: number | undefined
  /** When the answer came, by the browser's clock. */
  readonly shownAt: number
}

/**
 * Drafts and receipts are kept in the state of a history entry of the browser: Back, Forward and Reload find them again, another tab and
 * another person never do.
 */
type Kept = {
  readonly owner: string | undefined
  readonly draft?: Draft
  readonly receipt?: Receipt
  /** The content of what is done again. It is not in the address, because a link of others must not choose it. */
  readonly visibility?: Visibility
}

const member = 'streampay'

export function keptDraft(): Draft | undefined {
  return kept()?.draft
}

export function keptReceipt(): Receipt | undefined {
  return kept()?.receipt
}

export function keptVisibility(): Visibility | undefined {
  return kept()?.visibility
}

/** For the state of a new entry of the history. */
export function stateOf(what: Omit<Kept, 'owner'>): Record<string, string> {
  // As text: the history keeps structured copies, and a reactive object can't be copied so.
  return { [member]: JSON.stringify({ owner: identity.value?.id, ...what } satisfies Kept) }
}

/** Keeps the draft with the history entry that is shown. */
export function keepDraft(draft: Draft): void {
  history.replaceState({ ...history.state, ...stateOf({ draft }) }, '')
}

function kept(): Kept | undefined {
  const text: unknown = history.state?.[member]
  if (typeof text !== 'string') return undefined
  const found = JSON.parse(text) as Kept
  return found.owner === identity.value?.id ? found : undefined
}
