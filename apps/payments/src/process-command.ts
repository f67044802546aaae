/**
 * One command, from the record to its reply:
 *
 *     trusted? ──no──► dead letter, answered if it can be
 *        │ account opens, if this is its first command
 *     body valid? ──no──► 400 (not stored, like the edge's own)
 *        │
 *     key seen? ──same intent──► the first outcome again, or, if it is still to come, waiting for it     ──another──► 422
 *        │ room for its key? ──not in the identity's share──► 429     ──not at all──► 503 (neither is stored)
 *     decided ──► refused: reply sent, nothing stored
 *              ──► carried out: outcome stored, reply sent, effects written
 *              ──► forwarded to the task that can decide: stored as such; reply and outcome follow its decision
 *
 * Whatever happens, happens in one transaction.
 */
import {
  blockBody,
  commandBodyErrors,
  emptyBody,
  favouriteBody,
  matches,
  type PendingCommand,
  payBody,
  problem,
  type Reply,
  replyTo,
  requestBody,
} from '@streampay/domain'
import type { ReceivedRecord } from '@streampay/kafka'
import type { ProcessorContext, Wait } from '@streampay/streams'
import { type CheckedCommand, execute, placeOf } from './execute-command.ts'
import { fingerprintOf } from './fingerprint.ts'
import { clientKey, type Remembered, recall, remember, shortageOf } from './idempotency.ts'
import { openAccount } from './ledger.ts'
import type { PaymentsLimits } from './limits.ts'
import { awaitDecision, joinWaiters } from './pending.ts'
import { sendReply } from './replies.ts'
import { type TrustedCommand, trustedCommand } from './trusted-records.ts'

/** @throws UntrustedRecord for a record that belongs to the dead letters. */
export function processCommand(
  record: ReceivedRecord,
  context: ProcessorContext,
  limits: PaymentsLimits,
): Wait | undefined {
  const trusted = trustedCommand(record, context)
  const opening = { ...trusted.cause, at: trusted.at, grantCents: limits.openingGrantCents }
  openAccount(context, trusted.identity, opening)
  const command = checked(trusted)
  if (command === undefined) return answer(context, trusted, malformed(trusted))

  const { identity, model, requestId } = command
  const key = clientKey(identity, command.reply.idempotencyKey)
  const fingerprint = fingerprintOf({ model, requestId, body: command.body })
  const earlier = recall(context, key, command.at)
  if (earlier !== undefined && replay(context, command, { earlier, fingerprint }) === 'answered') return undefined
  const shortage = shortageOf(context, command, limits)
  if (shortage?.of === 'whole') return answer(context, command, busy('too many recent commands'))
  if (shortage?.of === 'share') {
    const refusal = { slug: 'too-many-commands', limit: shortage.keys } as const
    return answer(context, command, replyTo({ kind: 'refused', refusal }, askedIn(command)))
  }

  const decision = execute(command, context, limits)
  if ('waitFor' in decision) return decision
  if (decision.kind === 'unsure') return answer(context, command, busy('the directory is being read'))
  return conclude(context, command, { key, fingerprint, outcome: decision })
}

/** The command with its body known to satisfy the schema; undefined if it does not. */
function checked(command: TrustedCommand): CheckedCommand | undefined {
  const { model, body, requestId } = command
  switch (model) {
    case 'PayCommand':
      return matches(payBody, body) ? { ...command, model, body } : undefined
    case 'RequestCommand':
      return matches(requestBody, body) ? { ...command, model, body } : undefined
    case 'BlockCommand':
      return matches(blockBody, body) ? { ...command, model, body } : undefined
    case 'FavouriteCommand':
      return matches(favouriteBody, body) ? { ...command, model, body } : undefined
    case 'DeclineCommand':
    case 'CancelCommand':
    case 'RemindCommand':
    case 'UnblockCommand':
    case 'UnfavouriteCommand':
      return matches(emptyBody, body) && requestId !== undefined ? { ...command, model, requestId } : undefined
  }
}

/** The same intent gets the first outcome again, or waits with the first. */
function replay(
  context: ProcessorContext,
  command: CheckedCommand,
  { earlier, fingerprint }: { readonly earlier: Remembered; readonly fingerprint: string },
): 'answered' | 'unknown' {
  if (earlier.fingerprint !== fingerprint) {
    const { idempotencyKey } = command.reply
    const body = problem('idempotency-key-reused', `The key "${idempotencyKey}" was used for another command.`)
    answer(context, command, { status: body.status, body })
    return 'answered'
  }
  const { outcome } = earlier
  if (outcome.kind !== 'forwarded') {
    answer(context, command, replyTo(outcome, askedIn(command)), true)
    return 'answered'
  }
  const joined = joinWaiters(context, outcome.intent, command.reply)
  if (joined === 'full') answer(context, command, busy('the same command is being decided'))
  // Of what an earlier version forwarded, the outcome is not known here: it is decided as if it were new.
  return joined === 'unknown' ? 'unknown' : 'answered'
}

type Conclusion = Remembered & { readonly key: string }

function conclude(
  context: ProcessorContext,
  command: CheckedCommand,
  { key, fingerprint, outcome }: Conclusion,
): undefined {
  const asked = askedIn(command)
  const { identity, at } = command
  if (outcome.kind !== 'refused') remember(context, { key, identity, at }, { fingerprint, outcome })
  if (outcome.kind !== 'forwarded') return answer(context, command, replyTo(outcome, asked))
  const place = placeOf(command)
  const pending = { key, asked, waiters: [command.reply], ...(place === undefined ? {} : { place }) }
  awaitDecision(context, outcome.intent, pending)
  return undefined
}

function askedIn(command: CheckedCommand): PendingCommand['asked'] {
  switch (command.model) {
    case 'PayCommand':
      return command.body
    case 'RequestCommand':
    case 'BlockCommand':
    case 'FavouriteCommand':
      return { userId: command.body.userId }
    case 'DeclineCommand':
    case 'CancelCommand':
    case 'RemindCommand':
    case 'UnblockCommand':
    case 'UnfavouriteCommand':
      return { requestId: command.requestId }
  }
}

function malformed({ model, body }: TrustedCommand): Reply {
  const errors = commandBodyErrors(model, body)
  // The words accept the same bodies as the schema that they are made of (a test holds them equal), so there is at least one error.
  const told = errors.map(({ field, message }) => (field === '' ? `The body ${message}.` : `"${field}" ${message}.`))
  const details = problem('malformed-body', told.join(' '), { errors })
  return { status: details.status, body: details }
}

function busy(reason: string): Reply {
  const body = problem('try-again', `Nothing was done, since ${reason}. Try again with the same idempotency key.`)
  return { status: body.status, body }
}

function answer(context: ProcessorContext, command: TrustedCommand, reply: Reply, replayed = false): undefined {
  sendReply(context, command.reply, reply, { replayed })
  return undefined
}
