/**
 * What travels between the gateway and the wallet: the domain's own types, and those that only the gateway's answers
 * have. Amounts are whole cents, times milliseconds since the epoch.
 */
import type { Entry, ProblemMembers, User } from '@streampay/domain'

export type {
  Activity,
  AverageTransactions,
  Balance,
  BalanceHistory,
  BlockedPerson,
  BlockReply,
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

/** A page of the directory; `next` is the cursor of the one behind it, if there is one. */
export type UserPage = { readonly items: readonly User[]; readonly next?: string }

export type TopicPartition = { readonly partition: number; readonly earliest: number; readonly latest: number }

export type Topic = {
  readonly name: string
  readonly partitions: readonly TopicPartition[]
  readonly config: Readonly<Record<string, string>>
  /** How many lie between earliest and latest: records, and what else takes an offset. */
  readonly offsets: number
}

export type TopicRecord = {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly timestamp: number
  readonly key: string | null
  readonly headers: Readonly<Record<string, string | null>>
  /** Parsed if it is JSON, else text; null for a tombstone, and for JSON's null. */
  readonly value: unknown
  readonly size: number
  /** What the record really holds. */
  readonly raw: RawRecord
  readonly undecodable?: { readonly lastOffset: number; readonly reason: string; readonly bytes: RawBytes }
}

/** Bytes as text if they are UTF-8, else in base64; null for none. */
export type RawBytes = { readonly text: string } | { readonly base64: string } | null

export type RawRecord = {
  readonly key: RawBytes
  /** In order, repeated as they are. */
  readonly headers: readonly { readonly name: string; readonly value: RawBytes }[]
  readonly value: RawBytes
}

/** RFC 9457; a proxy in between may answer with less than our own problems have. */
export type Problem = ProblemMembers & {
  readonly type: string
  readonly status: number
  readonly title?: string
  readonly detail?: string
}
