/** What the naive bank keeps, says and is told. */
import type { ReceivedRecord } from '@streampay/kafka'
import type { Body } from './naive-bodies.ts'

export type Entry = {
  readonly transferId: string
  readonly account: string
  readonly counterparty: string
  readonly amount: number
  readonly kind: 'payment' | 'opening' | 'topUp'
  readonly requestId?: string
  readonly notes?: string
  readonly visibility?: 'private'
  readonly commandPartition: number
  readonly commandOffset: number
  readonly applied: 'writer' | 'reader'
  readonly at: number
}
export type Request = {
  readonly id: string
  readonly requester: string
  readonly debtor: string
  readonly amount: number
  readonly notes?: string
  readonly visibility?: 'private'
  readonly status: 'open' | 'paid' | 'declined' | 'cancelled' | 'expired'
  readonly createdAt: number
  readonly remindedAt?: number
  readonly reminders?: number
  readonly closedAt?: number
  readonly transferId?: string
}
/** A history row, as far as statements look at it. */
export type Movement = {
  readonly account: string
  readonly counterparty: string
  readonly amount: number
  readonly sequence: number
  readonly at: number
}
export type Account = { balance: number; sequence: number; opened: boolean }
export type Told =
  | { readonly status: number; readonly body: Body }
  | { readonly status: number; readonly slug: string; readonly members?: Body; readonly fields?: readonly string[] }
/** What a requester wants with a request. */
type OfRequester = { readonly id: string; readonly by: string; readonly intent: string; readonly at: number }
export type Message =
  | { readonly type: 'request'; readonly request: Request; readonly intent: string }
  | ({ readonly type: 'cancel' } & OfRequester)
  | ({ readonly type: 'remind' } & OfRequester)
  | { readonly type: 'decided'; readonly intent: string; readonly told: Told }
  | { readonly type: 'closed' | 'forget'; readonly id: string }
/** Who waits for a reply, and how it finds them. */
export type Asker = { readonly identity: string; readonly correlationId: string; readonly key: string }
export type Command = {
  readonly record: ReceivedRecord
  readonly asker: Asker
  readonly model: string
  readonly path: string
  readonly body: Body
}
export type Kept = {
  readonly by: string
  readonly intent: string
  readonly told: Told | 'pending'
  readonly at: number
}
/** A command that another task decides, by its coordinates. */
export type Pending = { readonly name: string; readonly isRequest: boolean; readonly waiters: Asker[] }
/** The topics of the lists that people keep of others. */
export type PeopleList = 'blocked-people' | 'favourite-people'
export type Listing = { readonly owner: string; readonly id: string; readonly value: Body }
/** What is bounded, and how long a request is open. */
export type Rules = {
  readonly maxIdempotencyKeys: number
  readonly maxKeysOfIdentity: number
  readonly maxOpenOfRequester: number
  readonly maxOpenOfPair: number
  readonly maxOpenForDebtor: number
  readonly maxBlocked: number
  readonly maxFavourites: number
  readonly openMs: number
}
export type Reply = {
  readonly asker: Partial<Asker> & { correlationId: string }
  readonly told: Told
  readonly replayed: boolean
}

export type Creditor = { credit(entry: Entry, then: Consequences): void }
/** What follows from a record; each is compared at once with what was really written. Returns where it stands. */
export type Consequences = {
  /** The task of an account, if the process that did this ran it too. */
  taskOf(account: string): Creditor | undefined
  entry(entry: Entry): void
  history(row: Body & Movement): void
  balance(account: string, value: Body): void
  request(request: Request): void
  /** Which requests a task expired or forgot just then, in its order: that it chose when, is judged; not in which order. */
  asTended(task: number): string[]
  /** A request has been left alone for too long, or was not left alone for long enough. */
  badlyTended(request: Request, time: number): void
  listed(list: PeopleList, listing: Listing): void
  delisted(list: PeopleList, listing: Listing): void
  /** The request is gone for good: a tombstone. */
  forgotten(request: Request): void
  forward(account: string, message: Message): void
  reply(reply: Reply): void
  deadLetter(record: ReceivedRecord): void
  /** What the next reply with this correlation id really says: the slug of a problem, if it is one. */
  toldNext(correlationId: string): string | undefined
  /** A lookup in a table that trails the log was decisive: whether that could be is judged elsewhere. */
  restsOn(lookup: Lookup): void
}
export type Lookup = {
  readonly id: string
  readonly found: 'known' | 'unknown' | 'unsure'
  /** The command that asked. */
  readonly command: ReceivedRecord
}
