/**
 * The schema of every record value, body and response. One schema is the type, the edge check, the record check and the
 * documentation. Amounts are integer cents; times are integer milliseconds since the epoch, from the log time of the
 * causing record. Bodies from clients refuse unknown members; records tolerate them, so that they can grow.
 */
import {
  Enum,
  Boolean as Flag,
  Integer,
  Array as List,
  Number as Numeric,
  Optional,
  type Static,
  Object as Struct,
  String as Text,
  Union,
} from 'typebox'
import { maxIdLength, maxLabelLength, maxNameLength, maxNotesLength, maxTransferIdLength } from './limits.ts'
import { maxAmountCents, minAmountCents } from './money.ts'
import { idPattern, namePattern, nameRule, notesPattern, notesRule, usernamePattern, usernameRule } from './texts.ts'

const id = Text({ minLength: 1, maxLength: maxIdLength })
/** In bodies: records have no pattern, so that everything accepted earlier stays readable. */
const newId = Text({ minLength: 1, maxLength: maxIdLength, pattern: idPattern })
const transferId = Text({ minLength: 1, maxLength: maxTransferIdLength })
const amount = Integer({ minimum: minAmountCents, maximum: maxAmountCents, description: 'Cents.' })
const signed = { minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER }
const signedAmount = Integer({ ...signed, description: 'Cents, signed.' })
const unsigned = { minimum: 0, maximum: Number.MAX_SAFE_INTEGER }
const count = Integer(unsigned)
const time = Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: 'Milliseconds since the epoch.' })
/** In records, without the pattern: the ledger must remain readable, with everything accepted earlier. */
const notes = Text({ maxLength: maxNotesLength })
const newNotes = Text({ maxLength: maxNotesLength, pattern: notesPattern, description: sentence(notesRule) })
/** A person's name in activities. Without the pattern: a person without a name has the id here. */
const label = Text({ maxLength: maxLabelLength })
const name = Text({
  minLength: 1,
  maxLength: maxNameLength,
  pattern: namePattern,
  description: sentence(nameRule),
  examples: ['Ada Lovelace'],
})
const username = Text({
  minLength: 1,
  maxLength: maxNameLength,
  pattern: usernamePattern,
  description: `${sentence(usernameRule)} Not unique: several users may have the same; the id identifies a user.`,
  examples: ['ada'],
})

/** If it is missing, a payment or request is public, as all were before there was a choice. */
export const visibilities = ['public', 'private'] as const
export type Visibility = (typeof visibilities)[number]
const visibility = Enum([...visibilities], {
  description:
    "`public` (the default): it is in everybody's activity and in the totals. `private`: only the two people see it.",
})

const closed = { additionalProperties: false }

// Bodies of commands.

export const payBody = Struct(
  {
    userId: newId,
    amount,
    notes: Optional(newNotes),
    requestId: Optional(newId),
    visibility: Optional(visibility),
  },
  {
    ...closed,
    title: 'PayCommand',
    description:
      'Pays another user, or settles their payment request `requestId`. A payment of a private request is private; its `visibility` is ignored.',
  },
)
export type PayBody = Static<typeof payBody>

export const requestBody = Struct(
  { userId: newId, amount, notes: Optional(newNotes), visibility: Optional(visibility) },
  { ...closed, title: 'RequestCommand', description: 'Asks the user `userId` for money.' },
)
export type RequestBody = Static<typeof requestBody>

export const emptyBody = Struct(
  {},
  { ...closed, title: 'EmptyCommand', description: 'For commands whose path has all that they need.' },
)
export type EmptyBody = Static<typeof emptyBody>

export const blockBody = Struct(
  { userId: newId },
  { ...closed, title: 'BlockCommand', description: 'Blocks payment requests from the user `userId`.' },
)
export type BlockBody = Static<typeof blockBody>

export const favouriteBody = Struct(
  { userId: newId },
  { ...closed, title: 'FavouriteCommand', description: 'Adds the user `userId` to the favourites of the caller.' },
)
export type FavouriteBody = Static<typeof favouriteBody>

export const profileBody = Struct(
  { name, username },
  { ...closed, title: 'Profile', description: "The caller's own name and username; the id comes from the token." },
)
export type ProfileBody = Static<typeof profileBody>

export const preferencesBody = Struct(
  { visibility },
  {
    ...closed,
    title: 'PreferencesBody',
    description: 'The default visibility of new payments and requests of the caller.',
  },
)
export type PreferencesBody = Static<typeof preferencesBody>

// Answers.

export const payReply = Struct(
  { transferId, balance: signedAmount },
  { title: 'PayReply', description: "The transfer is on the ledger; `balance` is the payer's after it." },
)
export type PayReply = Static<typeof payReply>

export const requestReply = Struct({ id }, { title: 'RequestReply' })
export type RequestReply = Static<typeof requestReply>

export const closeReply = Struct({ id, status: Enum(['declined', 'cancelled']) }, { title: 'CloseReply' })
export type CloseReply = Static<typeof closeReply>

export const remindReply = Struct(
  { id, remindedAt: time },
  { title: 'RemindReply', description: 'The debtor is reminded of the request `id`.' },
)
export type RemindReply = Static<typeof remindReply>

export const personReply = Struct({ userId: id }, { title: 'PersonReply' })
export type PersonReply = Static<typeof personReply>

export const problemDetails = Struct(
  {
    type: Text(),
    title: Text(),
    status: Integer({ minimum: 400, maximum: 599 }),
    detail: Text(),
    errors: Optional(List(Struct({ field: Text(), message: Text() }))),
    available: Optional(Integer({ description: 'insufficient-funds: what may be spent, in cents.' })),
    requestStatus: Optional(Text({ description: 'request-closed: how it was closed.' })),
    expected: Optional(Integer({ description: "amount-differs: the request's amount, in cents." })),
    scope: Optional(Text({ description: 'missing-scope: the one that is needed.' })),
    possibleAt: Optional(
      Integer({ description: 'reminded-recently: when the next reminder is possible, in ms since the epoch.' }),
    ),
  },
  { title: 'ProblemDetails', description: 'RFC 9457.' },
)
export type ProblemDetails = Static<typeof problemDetails>

/** All answers of payments; `replies` is written with this schema. */
export const replyBody = Union([payReply, requestReply, closeReply, remindReply, personReply, problemDetails])

/** Any value on `replies`: the header `:status` distinguishes success from problem. */
export const replyValue = Struct(
  {},
  { title: 'Reply', description: 'PayReply, RequestReply, CloseReply, RemindReply, PersonReply or ProblemDetails.' },
)

// Records.

export const user = Struct({ id, name, username }, { title: 'User' })
export type User = Static<typeof user>

/** Separate from `users`, the directory, which all users may read. */
export const preferences = Struct({ id, visibility }, { title: 'Preferences' })
export type Preferences = Static<typeof preferences>

export const entryKinds = ['payment', 'opening', 'topUp'] as const
export type EntryKind = (typeof entryKinds)[number]

export const entry = Struct(
  {
    transferId,
    account: id,
    counterparty: id,
    amount: signedAmount,
    kind: Enum([...entryKinds]),
    requestId: Optional(id),
    notes: Optional(notes),
    visibility: Optional(visibility),
    commandPartition: Integer({ minimum: 0, description: 'Of the causing command, or `users` record for an opening.' }),
    commandOffset: Integer({ minimum: 0 }),
    applied: Enum(['writer', 'reader'], {
      description:
        'writer: applied to the account in the transaction that wrote the entry; reader: the task of the account applies it when it reads it.',
    }),
    at: time,
  },
  { title: 'Entry', description: 'One of the two entries of a transfer; they sum to zero.' },
)
export type Entry = Static<typeof entry>

export const balance = Struct(
  {
    account: id,
    balance: signedAmount,
    sequence: Integer({ minimum: 1, description: 'Of the last entry applied; the first is 1.' }),
    transferId,
    at: time,
    opened: Flag({ description: 'Whether the account has had its opening grant.' }),
  },
  { title: 'Balance' },
)
export type Balance = Static<typeof balance>

export const balanceHistory = Struct(
  {
    account: id,
    sequence: Integer({ minimum: 1 }),
    balance: signedAmount,
    amount: signedAmount,
    transferId,
    counterparty: id,
    kind: Enum([...entryKinds]),
    at: time,
  },
  { title: 'BalanceHistory', description: 'One row for each entry applied, in gapless sequence.' },
)
export type BalanceHistory = Static<typeof balanceHistory>

/** A UTC month. */
export const monthText = Text({ pattern: '^[0-9]{4}-(0[1-9]|1[0-2])$', description: 'a UTC month, as `2026-11`' })

const ofMonth = {
  account: id,
  month: monthText,
  moneyIn: Integer({ ...unsigned, description: 'Cents: payments received, top-ups and the opening grant.' }),
  moneyOut: Integer({ ...unsigned, description: 'Cents: payments sent, as a positive number.' }),
  countIn: count,
  countOut: count,
  sequence: Integer({ minimum: 1, description: "Of the account's movement that changed this row last." }),
}

export const statement = Struct(
  {
    ...ofMonth,
    opening: Integer({ ...signed, description: 'Cents: all movements of earlier months.' }),
    closing: Integer({ ...signed, description: 'Cents: `opening` and the movements of the month.' }),
  },
  {
    title: 'Statement',
    description:
      "One month of an account. A movement counts to the month of its `at`. The newest month's `closing` is the balance at `sequence`.",
  },
)
export type Statement = Static<typeof statement>

export const statementPerson = Struct(
  { ...ofMonth, counterparty: id },
  { title: 'StatementPerson', description: 'What an account received from and paid to another in one month.' },
)
export type StatementPerson = Static<typeof statementPerson>

export const requestStatuses = ['open', 'paid', 'declined', 'cancelled', 'expired'] as const
export type RequestStatus = (typeof requestStatuses)[number]

export const paymentRequest = Struct(
  {
    id,
    requester: id,
    debtor: id,
    amount,
    notes: Optional(notes),
    visibility: Optional(visibility),
    status: Enum([...requestStatuses]),
    createdAt: time,
    /** Of the latest reminder; absent if there was none. */
    remindedAt: Optional(time),
    /** How many there were: at most one for each day that the request is open. */
    reminders: Optional(Integer({ minimum: 1 })),
    closedAt: Optional(time),
    transferId: Optional(transferId),
  },
  { title: 'PaymentRequest' },
)
export type PaymentRequest = Static<typeof paymentRequest>

export const blockedPerson = Struct(
  { id: Text({ minLength: 1 }), blocker: id, blocked: id, at: time },
  {
    title: 'BlockedPerson',
    description: '`blocker` accepts no payment requests from `blocked`. `id` is the record key.',
  },
)
export type BlockedPerson = Static<typeof blockedPerson>

export const favouritePerson = Struct(
  { id: Text({ minLength: 1 }), owner: id, favourite: id, at: time },
  { title: 'FavouritePerson', description: '`favourite` is among the favourites of `owner`. `id` is the record key.' },
)
export type FavouritePerson = Static<typeof favouritePerson>

export const activityTypes = ['payment', 'request', 'decline', 'cancel'] as const
export type ActivityType = (typeof activityTypes)[number]

export const activity = Struct(
  { id, type: Enum([...activityTypes]), from: id, fromName: label, to: id, toName: label, amount, at: time },
  {
    title: 'Activity',
    description: '`from` acted in public: paid, asked, declined or cancelled. `id` is unique with `type`.',
  },
)
export type Activity = Static<typeof activity>

export const totalTransactions = Struct({ count, volume: count }, { title: 'TotalTransactions' })
export type TotalTransactions = Static<typeof totalTransactions>

export const averageTransactions = Struct(
  { count, mean: count },
  { title: 'AverageTransactions', description: '`mean` in cents, rounded half to even.' },
)
export type AverageTransactions = Static<typeof averageTransactions>

export const spanSteps = [
  'received',
  'acknowledged',
  'replied',
  'answered',
  'read',
  'processed',
  'written',
  'committed',
  'shown',
] as const
export type SpanStep = (typeof spanSteps)[number]

const service = Text({ minLength: 1, maxLength: 64, examples: ['gateway-0'] })
const traceId = Text({ pattern: '^[0-9a-f]{32}$', description: 'Of the `traceparent`, W3C Trace Context.' })
const place = Struct({
  topic: Text({ minLength: 1, maxLength: 249 }),
  partition: Integer({ minimum: 0 }),
  offset: Integer({ minimum: 0 }),
})

export const span = Struct(
  {
    traceId,
    service,
    source: { ...place, description: 'The record of this span: the command, or a record that it caused.' },
    records: Optional(
      Integer({ minimum: 0, description: 'How many records its transaction wrote, for all commands in it.' }),
    ),
    steps: List(
      Struct({
        step: Enum([...spanSteps]),
        at: Numeric({
          minimum: 0,
          description: 'Milliseconds since the epoch, with fractions, by the clock of the service.',
        }),
      }),
      { minItems: 1, maxItems: spanSteps.length },
    ),
  },
  { title: 'Span', description: 'What one service did for a command, and when. Kept for an hour.' },
)
export type Span = Static<typeof span>

/** Why an operator set a record aside, in characters. */
export const maxReasonLength = 500

/** Names offsets of a partition that every reader skips; they differ only for a batch that cannot be decoded. */
export const setAsideNote = Struct(
  {
    topic: Text({ minLength: 1, maxLength: 249 }),
    partition: Integer({ minimum: 0 }),
    offset: Integer({ minimum: 0 }),
    lastOffset: Integer({ minimum: 0 }),
    reason: Text({ minLength: 1, maxLength: maxReasonLength }),
    at: time,
  },
  { title: 'SetAside' },
)
export type SetAsideNote = Static<typeof setAsideNote>

/** "must be …" as a sentence for the documents. */
function sentence(rule: string): string {
  return `${rule.charAt(0).toUpperCase()}${rule.slice(1)}.`
}
