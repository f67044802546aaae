/** A payment as a record on `commands`, as a gateway writes it, for tests that use the log directly. */
import { headerNames, jsonContentType, topicNames } from '@streampay/domain'
import type { RecordToSend } from '@streampay/kafka'

/** One cent. `id` is both the correlation id and the idempotency key. */
export function payRecord({ id, payer, payee }: { id: string; payer: string; payee: string }): RecordToSend {
  return {
    topic: topicNames.commands,
    key: payer,
    value: JSON.stringify({ userId: payee, amount: 1 }),
    headers: {
      [headerNames.domainModel]: 'PayCommand',
      [headerNames.identity]: payer,
      [headerNames.correlationId]: id,
      [headerNames.replyTo]: topicNames.replies,
      [headerNames.idempotencyKey]: id,
      [headerNames.contentType]: jsonContentType,
    },
  }
}
