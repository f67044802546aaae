/** Records of repartition topics: written and read by one application alone. */
import { Integer, Literal, type Static, Object as Struct, String as Text, Union } from 'typebox'
import { emptyBody, payBody, paymentRequest, requestBody } from './schemas.ts'

/** The value of `commands`; `zilla:domain-model` tells which. */
export const payOrRequestValue = Union([payBody, requestBody, emptyBody])

/** How a reply finds its way back from another task: the headers of the command that waits for it. */
export const replyAddress = Struct({
  replyTo: Text(),
  correlationId: Text(),
  identity: Text(),
  idempotencyKey: Text(),
})
export type ReplyAddress = Static<typeof replyAddress>

export const forwardedCommand = Union([
  Struct({ type: Literal('request'), request: paymentRequest }, { description: "To the debtor's task: store it." }),
  Struct(
    {
      type: Literal('cancel'),
      id: Text(),
      debtor: Text(),
      requester: Text(),
      /** Coordinates of the first command with this idempotency key: under it the debtor's task keeps the outcome. */
      intent: Text(),
      /** Log time of the command, in ms. */
      at: Integer(),
      reply: replyAddress,
    },
    { description: "To the debtor's task: decide, and answer the requester." },
  ),
  Struct(
    { type: Literal('forget'), id: Text(), requester: Text() },
    { description: "To the requester's task: the request is gone for good." },
  ),
])
export type ForwardedCommand = Static<typeof forwardedCommand>

export const totalsPart = Struct({ count: Integer({ minimum: 0 }), volume: Integer({ minimum: 0 }) })
export type TotalsPart = Static<typeof totalsPart>
