/**
 * One command, from the record to its reply:
 *
 *     trusted? ──no──► dead letter, answered if it can be
 *        │ account opens, if this is its first command
 *     body valid? ──no──► 400 (not stored, like the edge's own)
 *        │
 *     key seen? ──same intent──► the first outcome again     ──another──► 422
 *        │ room for its key? ──no──► 503 (not stored)
 *     decided ──► outcome stored, reply sent, effects written: all in one transaction
 */
import {
  commandBodyErrors,
  emptyBody,
  matches,
  payBody,
  problem,
  type Reply,
  replyTo,
  requestBody,
} from '@streampay/domain'
import type { ReceivedRecord } from '@streampay/kafka'
import type { ProcessorContext, Wait } from '@streampay/streams'
import { type CheckedCommand, cancel, execute } from './execute-command.ts'
import { fingerprintOf } from './fingerprint.ts'
import { clientKey, type Remembered, recall, remember, rememberedCount } from './idempotency.ts'
import { openAccount } from './ledger.ts'
import { sendReply } from './replies.ts'
import { type TrustedCommand, trustedCommand } from './trusted-records.ts'

export type CommandLimits = {
  /** Idempotency keys that one partition remembers; beyond, new commands get 503 until old keys expire. */
  readonly maxIdempotencyKeys: number
}

/** @throws UntrustedRecord for a record that belongs to the dead letters. */
export function processCommand(
  record: ReceivedRecord,
  context: ProcessorContext,
  { maxIdempotencyKeys }: CommandLimits,
): Wait | undefined {
  const trusted = trustedCommand(record, context)
  openAccount(context, trusted.identity, { ...trusted.cause, at: trusted.at })
  const command = checked(trusted)
  if (command === undefined) return answer(context, trusted, malformed(trusted))

  const { identity, model, requestId, body } = command
  const key = clientKey(identity, command.reply.idempotencyKey)
  const fingerprint = fingerprintOf({ model, requestId, body })
  const earlier = recall(context, key, command.at)
  if (earlier !== undefined) return replay(context, command, { earlier, fingerprint })
  if (rememberedCount(context) >= maxIdempotencyKeys) return answer(context, command, busy('too many recent commands'))

  const decision = execute(command, context)
  if ('waitFor' in decision) return decision
  if (decision.kind === 'unsure') return answer(context, command, busy('the directory is being read'))
  remember(context, key, { fingerprint, outcome: decision })
  if (decision.kind !== 'forwarded') answer(context, command, replyTo(decision, askedIn(command)))
  return undefined
}

/** The command with its body known to satisfy the schema; undefined if it does not. */
function checked(command: TrustedCommand): CheckedCommand | undefined {
  const { model, body, requestId } = command
  switch (model) {
    case 'PayCommand':
      return matches(payBody, body) ? { ...command, model, body } : undefined
    case 'RequestCommand':
      return matches(requestBody, body) ? { ...command, model, body } : undefined
    case 'DeclineCommand':
    case 'CancelCommand':
      return matches(emptyBody, body) && requestId !== undefined ? { ...command, model, requestId } : undefined
  }
}

/** The same intent gets the first outcome again; a cancel is sent to its debtor's task again, which remembers it. */
function replay(
  context: ProcessorContext,
  command: CheckedCommand,
  { earlier, fingerprint }: { readonly earlier: Remembered; readonly fingerprint: string },
): undefined {
  if (earlier.fingerprint !== fingerprint) {
    const { idempotencyKey } = command.reply
    const body = problem('idempotency-key-reused', `The key "${idempotencyKey}" was used for another command.`)
    return answer(context, command, { status: body.status, body })
  }
  const { outcome } = earlier
  if (outcome.kind !== 'forwarded') return answer(context, command, replyTo(outcome, askedIn(command)), true)
  const again = cancel(command, command.requestId ?? '', outcome.intent, context)
  if (again.kind === 'refused') answer(context, command, replyTo(again, askedIn(command)), true)
  return undefined
}

function askedIn(command: CheckedCommand) {
  if (command.model === 'PayCommand') return command.body
  if (command.model === 'RequestCommand') return command.body
  return { requestId: command.requestId }
}

function malformed({ model, body }: TrustedCommand): Reply {
  const errors = commandBodyErrors(model, body)
  // The rules and the schema accept the same bodies (a test holds them equal), so there is at least one error.
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
