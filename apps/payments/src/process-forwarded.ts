/** What arrives through the repartition topic. This application alone writes it, so anything unexpected stops the task. */
import {
  closeRequest,
  type ForwardedCommand,
  forwardedCommand,
  type Outcome,
  refusalOfCancel,
  replyTo,
} from '@streampay/domain'
import type { ReceivedRecord } from '@streampay/kafka'
import type { ProcessorContext } from '@streampay/streams'
import { intentKey, recall, remember } from './idempotency.ts'
import { sendReply } from './replies.ts'
import { forgetSentRequest, requestOf, saveRequest } from './request-book.ts'
import { jsonSerde } from './serdes.ts'

const forwardedSerde = jsonSerde(forwardedCommand)

export function processForwarded(record: ReceivedRecord, context: ProcessorContext): undefined {
  if (record.value === null) throw new Error('there is no value')
  const command = forwardedSerde.decode(record.value)
  switch (command.type) {
    case 'request':
      if (requestOf(context, command.request.id) !== undefined) {
        throw new Error(`request ${command.request.id} arrived twice`)
      }
      saveRequest(context, command.request)
      return undefined
    case 'cancel':
      return decideCancel(command, context, record.timestamp)
    case 'forget':
      forgetSentRequest(context, command.id)
      return undefined
  }
}

/**
 * Pay, decline and cancel meet in the debtor's task, so exactly one of them closes the request (INV-5). The outcome is kept
 * under the intent: a repeat that the requester's task forwards again is replayed. The bound on keys does not apply, since
 * the requester's task has counted the command already.
 */
function decideCancel(
  command: Extract<ForwardedCommand, { type: 'cancel' }>,
  context: ProcessorContext,
  at: number,
): undefined {
  const asked = { requestId: command.id }
  const key = intentKey(command.intent)
  const earlier = recall(context, key, at)
  if (earlier !== undefined) {
    sendReply(context, command.reply, replyTo(earlier.outcome, asked), { replayed: true })
    return undefined
  }
  const request = requestOf(context, command.id)
  const refusal = refusalOfCancel(request, command.requester)
  let outcome: Outcome = { kind: 'closed', status: 'cancelled' }
  if (refusal !== undefined || request === undefined) {
    outcome = { kind: 'refused', refusal: refusal ?? { slug: 'unknown-request' } }
  } else {
    saveRequest(context, closeRequest(request, { status: 'cancelled', at: command.at }))
  }
  remember(context, key, { fingerprint: '', outcome })
  sendReply(context, command.reply, replyTo(outcome, asked))
  return undefined
}
