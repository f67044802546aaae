import { type PayBody, recordedVisibility } from '@streampay/domain'
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

export const emptyDraft: Draft = {
  mode: 'pay',
  person: undefined,
  amountText: '',
  notes: '',
  visibility: undefined,
  request: undefined,
}

/** The body of the command to pay or to ask, without empty fields. */
export function bodyOf(draft: Draft, { userId, amount }: Pick<PayBody, 'userId' | 'amount'>): PayBody {
  const notes = draft.notes.trim()
  return {
    userId,
    amount,
    ...(notes === '' ? {} : { notes }),
    ...(draft.request === undefined ? {} : { requestId: draft.request.id }),
    ...recordedVisibility(draft),
  }
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
  const draft = kept()?.draft
  return draft && wholeDraft(draft)
}

export function keptReceipt(): Receipt | undefined {
  const receipt = kept()?.receipt
  return receipt && { ...receipt, draft: wholeDraft(receipt.draft) }
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

/** What was kept by an earlier version of this page lacks what is new. */
function wholeDraft(draft: Partial<Draft>): Draft {
  return { ...emptyDraft, ...draft }
}

function kept(): Kept | undefined {
  const text: unknown = history.state?.[member]
  if (typeof text !== 'string') return undefined
  const found = JSON.parse(text) as Kept
  return found.owner === identity.value?.id ? found : undefined
}
