/** Records of repartition topics: written and read by one application alone. */
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

/** The value of `commands`; `zilla:domain-model` tells which. */
export const payOrRequestValue = Union([payBody, requestBody, blockBody, favouriteBody, emptyBody])

/** How a reply finds its way back from another task: the headers of the command that waits for it. */
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
      /** Names the command. A request without it was written before requests were decided by the debtor's task. */
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
      /** Only of one that was written before the requester's task gave the answers. */
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
      /** As idempotency keys keep it. */
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
    { description: "To the requester's task: the request is gone for good." },
  ),
])
export type ForwardedCommand = Static<typeof forwardedCommand>

/** What the requester's task knows of a request for as long as the debtor's task has it. */
export const sentRequest = Struct({
  debtor: Text(),
  /** Missing if it was made before requests were counted; such a one is never `open`. */
  requester: Optional(Text()),
  /** Whether it counts among the open ones of its requester. */
  open: Flag(),
})
export type SentRequest = Static<typeof sentRequest>

/** A command that another task decides, at the task of who sent it. */
export const pendingCommand = Struct({
  /** Under which key of the idempotency store the outcome will stand. */
  key: Text(),
  /** What the reply repeats of the command. */
  asked: Struct({ userId: Optional(Text()), amount: Optional(Integer()), requestId: Optional(Text()) }),
  /** Of a request: its id, which has a place among the requester's open ones. */
  place: Optional(Text()),
  /** Who waits for the answer; the first is who asked first. */
  waiters: List(replyAddress),
})
export type PendingCommand = Static<typeof pendingCommand>

/** A value that is no JSON. */
export const bytes = Unknown({ contentMediaType: 'application/octet-stream' })

/** Idempotency keys by the time at which they came: the begin of a slot, in ms, and how many. */
export const keyUsage = List(Tuple([Integer({ minimum: 0 }), Integer({ minimum: 1 })]))
export type KeyUsage = Static<typeof keyUsage>

export const totalsPart = Struct({ count: Integer({ minimum: 0 }), volume: Integer({ minimum: 0 }) })
export type TotalsPart = Static<typeof totalsPart>
