/**
 * What each command does, with the state of its task alone. The decisions are the domain's; here is what they are made on
 * and what follows from them. Nothing here answers: the caller stores the outcome and sends the reply.
 */
import {
  type BlockBody,
  cents,
  closeRequest,
  entriesOf,
  type FavouriteBody,
  type Outcome,
  type PayBody,
  type PaymentRequest,
  type Refusal,
  type RequestBody,
  type RequestFacts,
  recordedVisibility,
  refusalOfCounterparty,
  refusalOfDebtor,
  refusalOfPayment,
  refusalOfRequest,
  requestIdOf,
  settlementVisibility,
  transferIdOf,
  treasuryId,
} from '@streampay/domain'
import type { ProcessorContext, Wait } from '@streampay/streams'
import { countOf } from './counts.ts'
import { lookUp } from './directory.ts'
import { accountOf, writeTransfer } from './ledger.ts'
import type { PaymentsLimits } from './limits.ts'
import { blockedPeople, delist, enlist, favouritePeople } from './people-lists.ts'
import { forward, requestOf, saveClosed, sentRequestOf, takePlace } from './request-book.ts'
import type { TrustedCommand } from './trusted-records.ts'

/** What is asked for stands in the path. */
type PathCommand = 'DeclineCommand' | 'CancelCommand' | 'RemindCommand' | 'UnblockCommand' | 'UnfavouriteCommand'

/** A command whose body satisfies its schema. */
export type CheckedCommand = TrustedCommand &
  (
    | { readonly model: 'PayCommand'; readonly body: PayBody }
    | { readonly model: 'RequestCommand'; readonly body: RequestBody }
    | { readonly model: 'BlockCommand'; readonly body: BlockBody }
    | { readonly model: 'FavouriteCommand'; readonly body: FavouriteBody }
    | { readonly model: PathCommand; readonly requestId: string }
  )

/** Not an outcome: the directory did not catch up in time, so nothing was decided. */
export type Unsure = { readonly kind: 'unsure' }

export function execute(
  command: CheckedCommand,
  context: ProcessorContext,
  limits: PaymentsLimits,
): Outcome | Unsure | Wait {
  switch (command.model) {
    case 'PayCommand':
      return pay(command, command.body, { context, limits })
    case 'RequestCommand':
      return ask(command, command.body, { context, limits })
    case 'DeclineCommand':
      return decline(command, command.requestId, { context, limits })
    case 'CancelCommand':
      return leaveToDebtor('cancel', command, command.requestId, context)
    case 'RemindCommand':
      return leaveToDebtor('remind', command, command.requestId, context)
    case 'BlockCommand': {
      const listing = listingOf(command, command.body.userId, limits.requests.maxBlocked)
      return enlist(context, blockedPeople, listing) ?? { kind: 'blocked' }
    }
    case 'UnblockCommand':
      delist(context, blockedPeople, { owner: command.identity, person: command.requestId })
      return { kind: 'unblocked' }
    case 'FavouriteCommand': {
      const listing = listingOf(command, command.body.userId, limits.maxFavourites)
      return enlist(context, favouritePeople, listing) ?? { kind: 'favoured' }
    }
    case 'UnfavouriteCommand':
      delist(context, favouritePeople, { owner: command.identity, person: command.requestId })
      return { kind: 'unfavoured' }
  }
}

/** The id of the request that a command makes; undefined for any other command. */
export function placeOf({ model, cause }: CheckedCommand): string | undefined {
  return model === 'RequestCommand' ? requestIdOf(cause) : undefined
}

/** The coordinates of a command, as the name of its intent. */
function intentOf({ cause }: TrustedCommand): string {
  return `${cause.partition}-${cause.offset}`
}

type Task = { readonly context: ProcessorContext; readonly limits: PaymentsLimits }

function pay(command: TrustedCommand, body: PayBody, { context, limits }: Task): Outcome | Unsure | Wait {
  const { identity: payer } = command
  const { requestId } = body
  const request = requestId === undefined ? undefined : requestOf(context, requestId, limits.requests)
  let recipientKnown = true
  if (requestId === undefined && refusalOfCounterparty(payer, body.userId) === undefined) {
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
        requestId,
        // What the money is for, as it was asked for, unless the payer says it.
        notes: body.notes ?? request?.notes,
        visibility: settlementVisibility(body, request),
        cause: command.cause,
        at: command.at,
      },
      'payer',
    ),
  )
  if (request !== undefined) saveClosed(context, closeRequest(request, { status: 'paid', at: command.at, transferId }))
  return { kind: 'paid', transferId, balance: after.balance }
}

/** What the requester's task can know is decided here; the debtor's task decides the rest, of each request once. */
function ask(command: TrustedCommand, body: RequestBody, { context, limits }: Task): Outcome | Unsure | Wait {
  const { identity: requester } = command
  const openOfRequester = countOf(context, 'sent', requester)
  const facts: RequestFacts = { requester, body, debtorKnown: true, openOfRequester }
  let refusal = refusalOfRequest(facts, limits.requests)
  if (refusal === undefined) {
    const found = lookUp(context, body.userId)
    if (typeof found === 'object') return found
    if (found === 'unsure') return { kind: 'unsure' }
    refusal = refusalOfRequest({ ...facts, debtorKnown: found === 'known' }, limits.requests)
  }
  if (refusal !== undefined) return refused(refusal)
  const request: PaymentRequest = {
    id: requestIdOf(command.cause),
    requester,
    debtor: body.userId,
    amount: body.amount,
    ...(body.notes === undefined ? {} : { notes: body.notes }),
    ...recordedVisibility(body),
    status: 'open',
    createdAt: command.at,
  }
  const intent = intentOf(command)
  takePlace(context, request)
  forward(context, request.debtor, { type: 'request', request, intent })
  return { kind: 'forwarded', intent }
}

function decline(command: TrustedCommand, requestId: string, { context, limits }: Task): Outcome {
  const request = requestOf(context, requestId, limits.requests)
  const refusal = refusalOfDebtor(request, command.identity)
  if (refusal !== undefined || request === undefined) return refused(refusal ?? { slug: 'unknown-request' })
  saveClosed(context, closeRequest(request, { status: 'declined', at: command.at }))
  return { kind: 'closed', status: 'declined' }
}

/** What a requester wants with a request is decided at the debtor's task. */
function leaveToDebtor(
  type: 'cancel' | 'remind',
  command: TrustedCommand,
  requestId: string,
  context: ProcessorContext,
): Outcome {
  const { identity: requester, at } = command
  const sent = sentRequestOf(context, requestId, requester)
  if (sent === undefined) return refused({ slug: 'unknown-request' })
  const { debtor } = sent
  const intent = intentOf(command)
  forward(context, debtor, { type, id: requestId, debtor, requester, intent, at })
  return { kind: 'forwarded', intent }
}

function listingOf({ identity, at }: TrustedCommand, person: string, limit: number) {
  return { owner: identity, person, at, limit }
}

function refused(refusal: Refusal): Outcome {
  return { kind: 'refused', refusal }
}
