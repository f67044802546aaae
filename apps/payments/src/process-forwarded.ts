/** Handles records of the repartition topic. Only this application writes it, so an unexpected record stops the task. */
import {
  decideCancel,
  decideReminder,
  encodeOutcome,
  type ForwardedCommand,
  forwardedCommand,
  type Outcome,
  pairOf,
  type RequestLimits,
  refusalOfArrival,
  replyTo,
} from '@streampay/domain'
import type { ReceivedRecord } from '@streampay/kafka'
import type { ProcessorContext } from '@streampay/streams'
import { countOf } from './counts.ts'
import { settlePending } from './pending.ts'
import { blockedPeople, isListed } from './people-lists.ts'
import { closePlace, forgetPlace, forward, openRequest, requestOf, saveClosed, saveReminded } from './request-book.ts'
import { sendReply } from './send-reply.ts'
import { jsonSerde } from './serdes.ts'

const forwardedSerde = jsonSerde(forwardedCommand)

export function processForwarded(record: ReceivedRecord, context: ProcessorContext, limits: RequestLimits): undefined {
  if (record.value === null) throw new Error('there is no value')
  const command = forwardedSerde.decode(record.value)
  switch (command.type) {
    case 'request':
      return take(command, context, limits)
    case 'cancel':
      return cancel(command, context, limits)
    case 'remind':
      return remind(command, context, limits)
    case 'decided':
      settlePending(context, command)
      return undefined
    case 'closed':
      closePlace(context, command.id)
      return undefined
    case 'forget':
      forgetPlace(context, command.id)
      return undefined
  }
}

/** This task has the debtor's blocks and all open requests of the debtor, so its limits are exact. */
function take(
  { request, intent }: Extract<ForwardedCommand, { type: 'request' }>,
  context: ProcessorContext,
  limits: RequestLimits,
): undefined {
  const { id, debtor, requester } = request
  if (requestOf(context, id, limits) !== undefined) throw new Error(`request ${id} arrived twice`)
  const facts = {
    isBlocked: isListed(context, blockedPeople, { owner: debtor, person: requester }),
    openOfPair: countOf(context, 'pair', pairOf(debtor, requester)),
    openForDebtor: countOf(context, 'owed', debtor),
  }
  // A request without intent comes from a version without limits, which has already accepted it.
  const refusal = intent === undefined ? undefined : refusalOfArrival(facts, limits)
  if (refusal === undefined) openRequest(context, request, limits)
  if (intent === undefined) return undefined
  return tell(context, {
    requester,
    intent,
    outcome: refusal ? { kind: 'refused', refusal } : { kind: 'requested', id },
  })
}

/** Pay, decline, cancel and expiry are all decided in the debtor's task, so exactly one of them closes the request (INV-5). */
function cancel(
  { id, requester, intent, at, reply }: Extract<ForwardedCommand, { type: 'cancel' }>,
  context: ProcessorContext,
  limits: RequestLimits,
): undefined {
  const decision = decideCancel(requestOf(context, id, limits), { identity: requester, at })
  if (decision.kind !== 'refused') saveClosed(context, decision.request)
  const outcome: Outcome = decision.kind === 'refused' ? decision : { kind: 'closed', status: 'cancelled' }
  if (reply === undefined) return tell(context, { requester, intent, outcome })
  // A version that left the answer to this task has forwarded it.
  sendReply(context, reply, replyTo(outcome, { requestId: id }))
  return undefined
}

/** This task knows whether the request is open, whether its debtor accepts reminders, and when the last one was. */
function remind(
  { id, debtor, requester, intent, at }: Extract<ForwardedCommand, { type: 'remind' }>,
  context: ProcessorContext,
  limits: RequestLimits,
): undefined {
  const isBlocked = isListed(context, blockedPeople, { owner: debtor, person: requester })
  const decision = decideReminder(requestOf(context, id, limits), { identity: requester, isBlocked, at })
  if (decision.kind !== 'refused') saveReminded(context, decision.request)
  const outcome: Outcome = decision.kind === 'refused' ? decision : { kind: 'reminded', at }
  return tell(context, { requester, intent, outcome })
}

function tell(
  context: ProcessorContext,
  { requester, intent, outcome }: { requester: string; intent: string; outcome: Outcome },
): undefined {
  forward(context, requester, { type: 'decided', intent, requester, outcome: encodeOutcome(outcome) })
  return undefined
}
