/**
 * What each command does, with the state of its task alone. The decisions are the domain's; here is what they are made on
 * and what follows from them. Nothing here answers: the caller stores the outcome and sends the reply.
 */
import {
  cents,
  closeRequest,
  entriesOf,
  type Outcome,
  type PayBody,
  type PaymentRequest,
  type Refusal,
  type RequestBody,
  refusalOfCounterparty,
  refusalOfDebtor,
  refusalOfPayment,
  refusalOfRequest,
  requestIdOf,
  transferIdOf,
  treasuryId,
} from '@streampay/domain'
import type { ProcessorContext, Wait } from '@streampay/streams'
import { lookUp } from './directory.ts'
import { accountOf, writeTransfer } from './ledger.ts'
import { debtorOf, forward, knownRequest, saveRequest, sendRequest } from './request-book.ts'
import type { TrustedCommand } from './trusted-records.ts'

/** A command whose body satisfies its schema. */
export type CheckedCommand = TrustedCommand &
  (
    | { readonly model: 'PayCommand'; readonly body: PayBody }
    | { readonly model: 'RequestCommand'; readonly body: RequestBody }
    | { readonly model: 'DeclineCommand' | 'CancelCommand'; readonly requestId: string }
  )

/** Not an outcome: the directory did not catch up in time, so nothing was decided. */
export type Unsure = { readonly kind: 'unsure' }

export function execute(command: CheckedCommand, context: ProcessorContext): Outcome | Unsure | Wait {
  switch (command.model) {
    case 'PayCommand':
      return pay(command, command.body, context)
    case 'RequestCommand':
      return ask(command, command.body, context)
    case 'DeclineCommand':
      return decline(command, command.requestId, context)
    case 'CancelCommand':
      return cancel(command, command.requestId, intentOf(command), context)
  }
}

/** The coordinates of a command, as the name of its intent. */
function intentOf({ cause }: TrustedCommand): string {
  return `${cause.partition}-${cause.offset}`
}

function pay(command: TrustedCommand, body: PayBody, context: ProcessorContext): Outcome | Unsure | Wait {
  const { identity: payer } = command
  const request = body.requestId === undefined ? undefined : knownRequest(context, body.requestId)
  let recipientKnown = true
  if (request === undefined && refusalOfCounterparty(payer, body.userId) === undefined) {
    const found = lookUp(context, body.userId)
    if (typeof found === 'object') return found
    if (found === 'unsure') return { kind: 'unsure' }
    recipientKnown = found === 'known'
  }
  const balance = accountOf(context, payer)?.balance ?? 0
  const refusal = refusalOfPayment({ payer, body, request, recipientKnown, balance })
  if (refusal !== undefined) return refused(refusal)
  const transferId = transferIdOf(command.cause)
  const after = writeTransfer(
    context,
    entriesOf(
      {
        transferId,
        payer,
        recipient: body.userId,
        amount: cents(body.amount),
        kind: payer === treasuryId ? 'topUp' : 'payment',
        requestId: body.requestId,
        notes: body.notes,
        cause: command.cause,
        at: command.at,
      },
      'payer',
    ),
  )
  if (typeof request === 'object') {
    saveRequest(context, closeRequest(request, { status: 'paid', at: command.at, transferId }))
  }
  return { kind: 'paid', transferId, balance: after.balance }
}

function ask(command: TrustedCommand, body: RequestBody, context: ProcessorContext): Outcome | Unsure | Wait {
  const { identity: requester } = command
  let debtorKnown = true
  if (refusalOfRequest(requester, body, true) === undefined) {
    const found = lookUp(context, body.userId)
    if (typeof found === 'object') return found
    if (found === 'unsure') return { kind: 'unsure' }
    debtorKnown = found === 'known'
  }
  const refusal = refusalOfRequest(requester, body, debtorKnown)
  if (refusal !== undefined) return refused(refusal)
  const request: PaymentRequest = {
    id: requestIdOf(command.cause),
    requester,
    debtor: body.userId,
    amount: body.amount,
    ...(body.notes === undefined ? {} : { notes: body.notes }),
    status: 'open',
    createdAt: command.at,
  }
  sendRequest(context, request)
  return { kind: 'requested', id: request.id }
}

function decline(command: TrustedCommand, requestId: string, context: ProcessorContext): Outcome {
  const request = knownRequest(context, requestId)
  const refusal = refusalOfDebtor(request, command.identity)
  if (refusal !== undefined || typeof request !== 'object') return refused(refusal ?? { slug: 'unknown-request' })
  saveRequest(context, closeRequest(request, { status: 'declined', at: command.at }))
  return { kind: 'closed', status: 'declined' }
}

/**
 * A cancel is decided at the debtor's task, which also answers it. It is forwarded again for every repeat, always under
 * the intent of the first.
 */
export function cancel(
  command: TrustedCommand,
  requestId: string,
  intent: string,
  context: ProcessorContext,
): Extract<Outcome, { kind: 'refused' | 'forwarded' }> {
  const debtor = debtorOf(context, requestId)
  if (debtor === undefined) {
    const known = knownRequest(context, requestId)
    return refused({ slug: known === 'unknown' ? 'unknown-request' : 'request-not-yours' })
  }
  const { identity: requester, at, reply } = command
  forward(context, debtor, { type: 'cancel', id: requestId, debtor, requester, intent, at, reply })
  return { kind: 'forwarded', intent }
}

function refused(refusal: Refusal): Extract<Outcome, { kind: 'refused' }> {
  return { kind: 'refused', refusal }
}
