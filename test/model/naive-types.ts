/** The naive bank's state, results and inputs. */
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
/** A history row, with the members that statements use. */
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
/** What a requester does with a request. */
type OfRequester = { readonly id: string; readonly by: string; readonly intent: string; readonly at: number }
export type Message =
  | { readonly type: 'request'; readonly request: Request; readonly intent: string }
  | ({ readonly type: 'cancel' } & OfRequester)
  | ({ readonly type: 'remind' } & OfRequester)
  | { readonly type: 'decided'; readonly intent: string; readonly told: Told }
  | { readonly type: 'closed' | 'forget'; readonly id: string }
/** The client that waits for a reply, and the headers by which it finds it. */
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
/** The bounds, and how long a request is open. */
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
/** An effect of a record; each is compared at once with the record on the log. Returns its coordinates. */
export type Consequences = {
  /** The task of an account, if the process of the present transaction ran it too. */
  taskOf(account: string): Creditor | undefined
  entry(entry: Entry): void
  history(row: Body & Movement): void
  balance(account: string, value: Body): void
  request(request: Request): void
  /** The requests that a task expired or deleted just then, in its order: the time is checked; the order is not. */
  asTended(task: number): string[]
  /** A request expired or was removed too late, or too early. */
  badlyTended(request: Request, time: number): void
  listed(list: PeopleList, listing: Listing): void
  delisted(list: PeopleList, listing: Listing): void
  /** The request is deleted: a tombstone. */
  forgotten(request: Request): void
  forward(account: string, message: Message): void
  reply(reply: Reply): void
  deadLetter(record: ReceivedRecord): void
  /** The content of the next reply with this correlation id: the slug of a problem, if it is one. */
  toldNext(correlationId: string): string | undefined
  /** A look-up in a table that trails the log decided the answer: another check judges whether it was possible. */
  restsOn(lookup: Lookup): void
}
export type Lookup = {
  readonly id: string
  readonly found: 'known' | 'unknown' | 'unsure'
  /** The command of the reply. */
  readonly command: ReceivedRecord
}
