/**
 * The effect of each command, with the state of its task alone. The domain package decides; this file reads the state for the decision
 * and applies its effects. It sends no answers: the caller stores the outcome and sends the reply.
 */
import {
  blockBody,
  cents,
  closeRequest,
  type DomainModel,
  decideDecline,
  decidePayment,
  decideRequest,
  emptyBody,
  entriesOf,
  favouriteBody,
  matches,
  type Outcome,
  type PayBody,
  type PaymentRequest,
  type PendingCommand,
  payBody,
  type RequestBody,
  recordedVisibility,
  requestBody,
  requestIdOf,
  type Static,
  settlementVisibility,
  type TSchema,
  transferIdOf,
  treasuryId,
} from '@streampay/domain'
import type { ProcessorContext, Wait } from '@streampay/streams'
import { countOf } from './counts.ts'
import { lookUp, type Unsure } from './directory.ts'
import { accountOf, writeTransfer } from './ledger.ts'
import type { PaymentsLimits } from './limits.ts'
import { blockedPeople, delist, enlist, favouritePeople } from './people-lists.ts'
import { forward, requestOf, saveClosed, sentRequestOf, takePlace } from './request-book.ts'
import type { TrustedCommand } from './trusted-records.ts'

type Task = { readonly context: ProcessorContext; readonly limits: PaymentsLimits }

/** A command whose body satisfies its schema. */
export type CheckedCommand = {
  /** The parts that the reply repeats. */
  readonly asked: PendingCommand['asked']
  /** The id of the request that it creates. */
  readonly place?: string
  carryOut(task: Task): Outcome | Unsure | Wait
}

/** Undefined if the body does not satisfy the schema. */
export function checkedCommand(command: TrustedCommand): CheckedCommand | undefined {
  return kinds[command.model](command)
}

type Kind = (command: TrustedCommand) => CheckedCommand | undefined

const kinds: Readonly<Record<DomainModel, Kind>> = {
  PayCommand: ofBody(payBody, (command, body) => ({
    asked: body,
    carryOut: (task) => pay(command, body, task),
  })),
  RequestCommand: ofBody(requestBody, (command, body) => ({
    asked: { userId: body.userId },
    place: requestIdOf(command.cause),
    carryOut: (task) => ask(command, body, task),
  })),
  DeclineCommand: ofPath(decline),
  CancelCommand: ofPath((command, id, { context }) => leaveToDebtor('cancel', command, id, context)),
  RemindCommand: ofPath((command, id, { context }) => leaveToDebtor('remind', command, id, context)),
  BlockCommand: ofBody(blockBody, (command, { userId }) => ({
    asked: { userId },
    carryOut({ context, limits }) {
      const decision = enlist(context, blockedPeople, listingOf(command, userId, limits.requests.maxBlocked))
      return decision.kind === 'refused' ? decision : { kind: 'blocked' }
    },
  })),
  UnblockCommand: ofPath(({ identity }, person, { context }) => {
    delist(context, blockedPeople, { owner: identity, person })
    return { kind: 'unblocked' }
  }),
  FavouriteCommand: ofBody(favouriteBody, (command, { userId }) => ({
    asked: { userId },
    carryOut({ context, limits }) {
      const decision = enlist(context, favouritePeople, listingOf(command, userId, limits.maxFavourites))
      return decision.kind === 'refused' ? decision : { kind: 'favoured' }
    },
  })),
  UnfavouriteCommand: ofPath(({ identity }, person, { context }) => {
    delist(context, favouritePeople, { owner: identity, person })
    return { kind: 'unfavoured' }
  }),
}

function ofBody<const S extends TSchema>(
  schema: S,
  checked: (command: TrustedCommand, body: Static<S>) => CheckedCommand,
): Kind {
  return (command) => (matches(schema, command.body) ? checked(command, command.body) : undefined)
}

/** The request is named in the path. */
function ofPath(carryOut: (command: TrustedCommand, id: string, task: Task) => Outcome): Kind {
  return (command) => {
    const { body, requestId } = command
    if (requestId === undefined || !matches(emptyBody, body)) return undefined
    return { asked: { requestId }, carryOut: (task) => carryOut(command, requestId, task) }
  }
}

/** The coordinates of a command, as the name of its intent. */
function intentOf({ cause }: TrustedCommand): string {
  return `${cause.partition}-${cause.offset}`
}

function pay(command: TrustedCommand, body: PayBody, { context, limits }: Task): Outcome | Unsure | Wait {
  const { identity: payer } = command
  const { requestId } = body
  const decision = decidePayment({
    payer,
    body,
    request: requestId === undefined ? undefined : requestOf(context, requestId, limits.requests),
    recipient: () => lookUp(context, body.userId),
    balance: accountOf(context, payer)?.balance ?? 0,
  })
  if ('waitFor' in decision || decision.kind !== 'pay') return decision
  const { settles } = decision
  const transferId = transferIdOf(command.cause)
  // The purpose of the money: the request's, unless the payer gives another.
  const notes = body.notes ?? settles?.notes
  const after = writeTransfer(
    context,
    entriesOf(
      {
        transferId,
        payer,
        recipient: body.userId,
        amount: cents(body.amount),
        kind: payer === treasuryId ? 'topUp' : 'payment',
        ...(requestId === undefined ? {} : { requestId }),
        ...(notes === undefined ? {} : { notes }),
        ...recordedVisibility({ visibility: settlementVisibility(body, settles) }),
        cause: command.cause,
        at: command.at,
      },
      'payer',
    ),
  )
  if (settles !== undefined) saveClosed(context, closeRequest(settles, { status: 'paid', at: command.at, transferId }))
  return { kind: 'paid', transferId, balance: after.balance }
}

/** The requester's task decides what its state allows; the debtor's task decides the rest, once for each request. */
function ask(command: TrustedCommand, body: RequestBody, { context, limits }: Task): Outcome | Unsure | Wait {
  const { identity: requester } = command
  const facts = {
    requester,
    body,
    debtor: () => lookUp(context, body.userId),
    openOfRequester: countOf(context, 'sent', requester),
  }
  const decision = decideRequest(facts, limits.requests)
  if ('waitFor' in decision || decision.kind !== 'ask') return decision
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
  const decision = decideDecline(requestOf(context, requestId, limits.requests), command)
  if (decision.kind === 'refused') return decision
  saveClosed(context, decision.request)
  return { kind: 'closed', status: 'declined' }
}

/** The debtor's task decides the requester's commands about a request. */
function leaveToDebtor(
  type: 'cancel' | 'remind',
  command: TrustedCommand,
  requestId: string,
  context: ProcessorContext,
): Outcome {
  const { identity: requester, at } = command
  const sent = sentRequestOf(context, requestId, requester)
  if (sent === undefined) return { kind: 'refused', refusal: { slug: 'unknown-request' } }
  const { debtor } = sent
  const intent = intentOf(command)
  forward(context, debtor, { type, id: requestId, debtor, requester, intent, at })
  return { kind: 'forwarded', intent }
}

function listingOf({ identity, at }: TrustedCommand, person: string, limit: number) {
  return { owner: identity, person, at, limit }
}
