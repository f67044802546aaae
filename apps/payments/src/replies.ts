/** The record that answers a command; success and failure alike carry its correlation id, identity and key. */
import { headerNames, jsonContentType, problemContentType, type Reply, type ReplyAddress } from '@streampay/domain'
import type { ProcessorContext } from '@streampay/streams'
import { encodeJson } from './serdes.ts'

/** An address that may lack what a malformed command did not tell. */
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
  context.send({
    topic: replyTo,
    key: correlationId,
    value: encodeJson(reply.body),
    headers: {
      [headerNames.status]: String(reply.status),
      [headerNames.contentType]: reply.status < 400 ? jsonContentType : problemContentType,
      [headerNames.correlationId]: correlationId,
      ...(identity === undefined ? {} : { [headerNames.identity]: identity }),
      ...(idempotencyKey === undefined ? {} : { [headerNames.idempotencyKey]: idempotencyKey }),
      ...(options.replayed === true ? { [headerNames.replayed]: 'true' } : {}),
    },
  })
}
