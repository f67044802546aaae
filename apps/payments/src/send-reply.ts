/** The record that answers a command; a success and a failure both have its correlation id, identity and key. */
import { headerNames, jsonContentType, problemContentType, type Reply, type ReplyAddress } from '@streampay/domain'
import type { ProcessorContext } from '@streampay/streams'
import { replySinks } from './sinks.ts'

/** An address whose parts may be missing, if the command was malformed. */
type Address = Pick<ReplyAddress, 'replyTo' | 'correlationId'> & {
  readonly identity: string | undefined
  readonly idempotencyKey: string | undefined
}

export function sendReply(
  context: ProcessorContext,
  address: Address,
  reply: Reply,
  options: { readonly replayed?: boolean } = {},
): void {
  const { replyTo, correlationId, identity, idempotencyKey } = address
  const sink = replySinks.get(replyTo)
  if (sink === undefined) throw new Error(`"${replyTo}" is not a topic of replies`)
  context.send(sink, {
    key: correlationId,
    value: reply.body,
    headers: {
      [headerNames.status]: String(reply.status),
      [headerNames.contentType]: reply.status < 400 ? jsonContentType : problemContentType,
      [headerNames.correlationId]: correlationId,
      ...(identity === undefined ? {} : { [headerNames.replyIdentity]: identity }),
      ...(idempotencyKey === undefined ? {} : { [headerNames.idempotencyKey]: idempotencyKey }),
      ...(reply.retryAfterSeconds === undefined ? {} : { [headerNames.retryAfter]: String(reply.retryAfterSeconds) }),
      ...(options.replayed === true ? { [headerNames.replayed]: 'true' } : {}),
    },
  })
}
