import type { PaymentRequest, User } from '../api/types.ts'

/** What is being filled in on the way to a payment or request. */
export type Draft = {
  readonly mode: 'pay' | 'request'
  readonly person: User | undefined
  readonly amountText: string
  readonly notes: string
  /** The request that is settled; person and amount are then given. */
  readonly request: PaymentRequest | undefined
}
