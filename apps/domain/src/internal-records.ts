/** Records of repartition topics: only one application writes and reads them. */
import {
  Boolean as Flag,
  Integer,
  Array as List,
  Literal,
  Optional,
  type Static,
  Object as Struct,
  String as Text,
  Tuple,
  Union,
  Unknown,
} from 'typebox'
import { blockBody, emptyBody, favouriteBody, payBody, paymentRequest, requestBody } from './schemas.ts'

/** The value of `commands`; `zilla:domain-model` says which command it is. */
export const payOrRequestValue = Union([payBody, requestBody, blockBody, favouriteBody, emptyBody])

/** How another task addresses a reply: the headers of the command that waits for it. */
export const replyAddress = Struct({
  replyTo: Text(),
  correlationId: Text(),
  identity: Text(),
  idempotencyKey: Text(),
})
export type ReplyAddress = Static<typeof replyAddress>

export const forwardedCommand = Union([
  Struct(
    {
      type: Literal('request'),
      request: paymentRequest,
      /** The name of the command. A request without it was written before the debtor's task decided requests. */
      intent: Optional(Text()),
    },
    { description: "To the debtor's task: store it, or refuse it." },
  ),
  Struct(
    {
      type: Literal('cancel'),
      id: Text(),
      debtor: Text(),
      requester: Text(),
      intent: Text(),
      /** Log time of the command, in ms. */
      at: Integer(),
      /** Only in a record that was written before the requester's task gave the answers. */
      reply: Optional(replyAddress),
    },
    { description: "To the debtor's task: decide." },
  ),
  Struct(
    {
      type: Literal('remind'),
      id: Text(),
      debtor: Text(),
      requester: Text(),
      intent: Text(),
      /** Log time of the command, in ms. */
      at: Integer(),
    },
    { description: "To the debtor's task: note the reminder, or refuse it." },
  ),
  Struct(
    {
      type: Literal('decided'),
      intent: Text(),
      requester: Text(),
      /** In the form that idempotency keys keep. */
      outcome: Text(),
    },
    { description: "To the requester's task: keep the outcome, and answer." },
  ),
  Struct(
    { type: Literal('closed'), id: Text(), requester: Text() },
    { description: "To the requester's task: the request is not open any more." },
  ),
  Struct(
    { type: Literal('forget'), id: Text(), requester: Text() },
    { description: "To the requester's task: the request was removed." },
  ),
])
export type ForwardedCommand = Static<typeof forwardedCommand>

/** What the requester's task knows of a request as long as the debtor's task has it. */
export const sentRequest = Struct({
  debtor: Text(),
  /** Missing if the request was made before requests were counted; then it is never `open`. */
  requester: Optional(Text()),
  /** Whether it counts among the open ones of its requester. */
  open: Flag(),
})
export type SentRequest = Static<typeof sentRequest>

/** A command that another task decides, kept at the task of its sender. */
export const pendingCommand = Struct({
  /** The key of the idempotency store under which the outcome will be kept. */
  key: Text(),
  /** The parts of the command that the reply repeats. */
  asked: Struct({ userId: Optional(Text()), amount: Optional(Integer()), requestId: Optional(Text()) }),
  /** For a request: its id, which is counted among the requester's open ones. */
  place: Optional(Text()),
  /** The commands that wait for the answer, in the order of arrival. */
  waiters: List(replyAddress),
})
export type PendingCommand = Static<typeof pendingCommand>

/** A value that is no JSON. */
export const bytes = Unknown({ contentMediaType: 'application/octet-stream' })

/** Idempotency keys by the slot of their time: the beginning of a slot, in ms, and how many. */
export const keyUsage = List(Tuple([Integer({ minimum: 0 }), Integer({ minimum: 1 })]))
export type KeyUsage = Static<typeof keyUsage>

export const totalsPart = Struct({ count: Integer({ minimum: 0 }), volume: Integer({ minimum: 0 }) })
export type TotalsPart = Static<typeof totalsPart>
