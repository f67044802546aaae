/**
 * The types of what the gateway and the wallet exchange: those of the domain, and those that only the gateway's answers
 * have. Amounts are whole cents, times milliseconds since the epoch.
 */
import type { Entry, ProblemMembers, User } from '@streampay/domain'

export type {
  Activity,
  AverageTransactions,
  Balance,
  BalanceHistory,
  BlockedPerson,
  CloseReply,
  Entry,
  FavouritePerson,
  PaymentRequest,
  PayReply,
  PersonReply,
  Preferences,
  ProfileBody,
  RemindReply,
  RequestReply,
  RequestStatus,
  Statement,
  StatementPerson,
  TotalTransactions,
  User,
  Visibility,
} from '@streampay/domain'

/** Newest first; `before` is the cursor of the next, older page. */
export type EntryPage = { readonly items: readonly Entry[]; readonly before: string | null }

/** A page of the directory; `next` is the cursor of the page after it, if there is one. */
export type UserPage = { readonly items: readonly User[]; readonly next?: string }

export type TopicPartition = {
  readonly partition: number
  readonly earliest: number
  readonly latest: number
  /** Node id, -1 if there is none. */
  readonly leader: number
  readonly replicas: readonly number[]
  readonly inSyncReplicas: readonly number[]
  /** On the leader's disk; null if the log doesn't tell. */
  readonly bytes: number | null
}

export type Topic = {
  readonly name: string
  readonly partitions: readonly TopicPartition[]
  readonly config: Readonly<Record<string, string>>
  /** How many offsets lie between earliest and latest: records, and control batches, which take an offset too. */
  readonly offsets: number
  readonly bytes: number | null
}

/** `missing` says in sentences what the log does not tell. */
export type Groups = {
  readonly items: readonly {
    readonly group: string
    readonly state: string
    readonly protocolType: string
    readonly members: number | null
    readonly lag: number | null
  }[]
  readonly missing: readonly string[]
}

export type Group = {
  readonly group: string
  /** The gateway's clock; ages are computed by it. */
  readonly at: number
  readonly state: string
  readonly protocol: string
  readonly members: readonly {
    readonly memberId: string
    readonly groupInstanceId: string | null
    readonly clientId: string
    readonly clientHost: string
  }[]
  readonly partitions: readonly {
    readonly topic: string
    readonly partition: number
    readonly committed: number
    readonly end: number | null
    readonly lag: number | null
    /** When the first record that is not consumed was written. */
    readonly waitingSince: number | null
    readonly member: string | null
  }[]
  /** How many more partitions there are. */
  readonly left: number
}

export type OpenTransactions = {
  readonly at: number
  readonly open: readonly {
    readonly transactionalId: string
    readonly state: string
    readonly producerId: number
    readonly producerEpoch: number
    readonly timeoutMs: number
    readonly startedAt: number
    readonly partitions: readonly { readonly topic: string; readonly partition: number }[]
  }[]
  readonly held: readonly {
    readonly topic: string
    readonly partition: number
    readonly lastStableOffset: number
    readonly highWatermark: number
    /** The first one is the one that holds it; null if the log doesn't tell. */
    readonly holders:
      | readonly {
          readonly producerId: number
          readonly producerEpoch: number
          readonly offset: number
          readonly lastTimestamp: number
          readonly transactionalId: string | null
          readonly startedAt: number | null
        }[]
      | null
  }[]
  readonly missing: readonly string[]
}

/** The outcome for a dead letter that was to be put back. */
export type LetterReturn =
  | { readonly kind: 'refused'; readonly refusal: string }
  | { readonly kind: 'failed'; readonly fault: string }
  | {
      readonly kind: 'written'
      /** topic/partition/offset. */
      readonly place: string
      readonly answer?: { readonly status: number; readonly detail?: string }
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
  /** The content of the record, byte for byte. */
  readonly raw: RawRecord
  readonly undecodable?: { readonly lastOffset: number; readonly reason: string; readonly bytes: RawBytes }
}

/** Bytes as text if they are UTF-8, else in base64; null for none. */
export type RawBytes = { readonly text: string } | { readonly base64: string } | null

export type RawRecord = {
  readonly key: RawBytes
  /** In the order of the record, with repeated names. */
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
