import {
  type DomainModel,
  headerNames,
  jsonContentType,
  recordedVisibility,
  topicNames,
  treasuryId,
} from '@streampay/domain'
import type { RecordToSend } from '@streampay/kafka'
import type { CommandIntent, Registration } from './crowd.ts'

type Command = {
  readonly identity: string
  readonly model: DomainModel
  readonly body: Readonly<Record<string, string | number>>
  readonly requestId?: string
}

/** The record on `users` that adds a virtual user to the directory: the same that the gateway writes for a real one. */
export function registrationRecord({ user }: Registration): RecordToSend {
  return {
    topic: topicNames.users,
    key: user.id,
    value: JSON.stringify(user),
    headers: { [headerNames.identity]: user.id, [headerNames.contentType]: jsonContentType },
  }
}

/**
 * The record on `commands` for an intent: keyed by identity, so that one payer's commands stay in order and reach the task that has the
 * account (murmur2, by the client). Each attempt has a correlation id of its own; all attempts of an intent have the same idempotency key.
 */
export function commandRecord(
  intent: CommandIntent,
  ids: { correlationId: string; idempotencyKey: string; newTraceparent: (identity: string) => string },
): RecordToSend {
  const { identity, model, body, requestId } = commandOf(intent)
  return {
    topic: topicNames.commands,
    key: identity,
    value: JSON.stringify(body),
    headers: {
      [headerNames.domainModel]: model,
      [headerNames.identity]: identity,
      [headerNames.correlationId]: ids.correlationId,
      [headerNames.replyTo]: topicNames.replies,
      [headerNames.idempotencyKey]: ids.idempotencyKey,
      [headerNames.contentType]: jsonContentType,
      [headerNames.traceparent]: ids.newTraceparent(identity),
      ...(requestId === undefined ? {} : { [headerNames.requestId]: requestId }),
    },
  }
}

function commandOf(intent: CommandIntent): Command {
  switch (intent.type) {
    case 'pay':
    case 'request': {
      const { from, to, amount, notes } = intent
      const model = intent.type === 'pay' ? 'PayCommand' : 'RequestCommand'
      const body = { userId: to, amount, ...(notes === undefined ? {} : { notes }), ...recordedVisibility(intent) }
      return { identity: from, model, body }
    }
    case 'settle': {
      const { from, to, amount, requestId } = intent
      return { identity: from, model: 'PayCommand', body: { userId: to, amount, requestId } }
    }
    case 'decline':
      return { identity: intent.from, model: 'DeclineCommand', body: {}, requestId: intent.requestId }
    case 'cancel':
      return { identity: intent.from, model: 'CancelCommand', body: {}, requestId: intent.requestId }
    case 'topUp':
      return { identity: treasuryId, model: 'PayCommand', body: { userId: intent.to, amount: intent.amount } }
  }
}
