/**
 * What travels between the gateway and the wallet: the domain's own types, and those that only the gateway's answers
 * have. Amounts are whole cents, times milliseconds since the epoch.
 */
import type { Entry, ProblemMembers } from '@streampay/domain'

export type {
  Activity,
  AverageTransactions,
  Balance,
  BalanceHistory,
  CloseReply,
  Entry,
  PaymentRequest,
  PayReply,
  ProfileBody,
  RequestReply,
  RequestStatus,
  TotalTransactions,
  User,
} from '@streampay/domain'

/** Newest first; `before` is the cursor of the next, older page. */
export type EntryPage = { readonly items: readonly Entry[]; readonly before: string | null }

export type TopicPartition = { readonly partition: number; readonly earliest: number; readonly latest: number }

export type Topic = {
  readonly name: string
  readonly partitions: readonly TopicPartition[]
  readonly config: Readonly<Record<string, string>>
  readonly records: number
}

export type TopicRecord = {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly timestamp: number
  readonly key: string | null
  readonly headers: Readonly<Record<string, string | null>>
  /** Parsed if it is JSON, else text; null for a tombstone. */
  readonly value: unknown
  readonly size: number
}

/** RFC 9457; a proxy in between may answer with less than our own problems have. */
export type Problem = ProblemMembers & {
  readonly type: string
  readonly status: number
  readonly title?: string
  readonly detail?: string
}
