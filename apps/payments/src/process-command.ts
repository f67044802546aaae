/**
 * One command, from the record to its reply:
 *
 *     trusted? ──no──► dead letter, answered if it can be
 *        │ account opens, if this is its first command
 *     body valid? ──no──► 400 (not stored, as at the gateway)
 *        │
 *     key seen? ──same intent──► the first outcome again, or, if it is not decided yet, waiting for it   ──another──► 422
 *        │ room for its key? ──not in the identity's share──► 429     ──not at all──► 503 (neither is stored)
 *     decided ──► refused: reply sent, nothing stored
 *              ──► executed: outcome stored, reply sent, effects written
 *              ──► forwarded to the task that can decide: stored as such; reply and outcome follow its decision
 *
 * All effects of a command are in one transaction.
 */
import { commandBodyErrors, type PendingCommand, problem, type Reply, replyTo } from '@streampay/domain'
import type { ReceivedRecord } from '@streampay/kafka'
import type { ProcessorContext, Wait } from '@streampay/streams'
import { checkedCommand } from './execute-command.ts'
import { fingerprintOf } from './fingerprint.ts'
import { clientKey, type Remembered, recall, remember, type Shortage, shortageOf } from './idempotency.ts'
import { openAccount } from './ledger.ts'
import type { PaymentsLimits } from './limits.ts'
import { awaitDecision, joinWaiters } from './pending.ts'
import { sendReply } from './send-reply.ts'
import { type TrustedCommand, trustedCommand } from './trusted-records.ts'

/** @throws UntrustedRecord for a record that belongs to the dead letters. */
export function processCommand(
  record: ReceivedRecord,
  context: ProcessorContext,
  limits: PaymentsLimits,
): Wait | undefined {
  const command = trustedCommand(record, context)
  openAccount(context, command.identity, { ...command.cause, at: command.at, grantCents: limits.openingGrantCents })
  const answer = answerTo(command, context, limits)
  if ('waitFor' in answer) return answer
  const { reply, replayed = false } = answer
  if (reply !== undefined) sendReply(context, command.reply, reply, { replayed })
  return undefined
}

/** Without a reply: another task decides, and the reply follows its decision. */
type Answer = { readonly reply?: Reply; readonly replayed?: boolean }

function answerTo(command: TrustedCommand, context: ProcessorContext, limits: PaymentsLimits): Answer | Wait {
  const checked = checkedCommand(command)
  if (checked === undefined) return { reply: malformed(command) }
  const { identity, model, requestId, body, at, reply } = command
  const { asked, place } = checked
  const key = clientKey(identity, reply.idempotencyKey)
  const fingerprint = fingerprintOf({ model, requestId, body })
  const earlier = recall(context, key, at)
  const again = earlier && answerAgain(context, command, { earlier, fingerprint, asked })
  if (again !== undefined) return again
  const shortage = shortageOf(context, command, limits)
  if (shortage !== undefined) return { reply: noRoom(shortage) }

  const outcome = checked.carryOut({ context, limits })
  if ('waitFor' in outcome) return outcome
  if (outcome.kind === 'unsure') return { reply: busy('the directory is being read') }
  if (outcome.kind !== 'refused') remember(context, { key, identity, at }, { fingerprint, outcome })
  if (outcome.kind !== 'forwarded') return { reply: replyTo(outcome, asked) }
  awaitDecision(context, outcome.intent, { key, asked, waiters: [reply], ...(place === undefined ? {} : { place }) })
  return {}
}

type Repeat = {
  readonly earlier: Remembered
  readonly fingerprint: string
  readonly asked: PendingCommand['asked']
}

/** A repeated intent gets the first outcome, or waits with the first command. Undefined if it has to be decided as a new one. */
function answerAgain(
  context: ProcessorContext,
  command: TrustedCommand,
  { earlier, fingerprint, asked }: Repeat,
): Answer | undefined {
  if (earlier.fingerprint !== fingerprint) {
    const { idempotencyKey } = command.reply
    const body = problem('idempotency-key-reused', `The key "${idempotencyKey}" was used for another command.`)
    return { reply: { status: body.status, body } }
  }
  const { outcome } = earlier
  if (outcome.kind !== 'forwarded') return { reply: replyTo(outcome, asked), replayed: true }
  switch (joinWaiters(context, outcome.intent, command.reply)) {
    case 'joined':
      return {}
    case 'full':
      return { reply: busy('the same command is being decided') }
    case 'unknown':
      // The outcome of a command that an earlier version forwarded is not known here.
      return undefined
  }
}

function noRoom(shortage: Shortage): Reply {
  if (shortage.of === 'whole') return busy('too many recent commands')
  return replyTo({ kind: 'refused', refusal: { slug: 'too-many-commands', limit: shortage.keys } }, {})
}

function malformed({ model, body }: TrustedCommand): Reply {
  const errors = commandBodyErrors(model, body)
  // The error texts are made from the schema and accept the same bodies (a test compares them), so there is at least one error.
  const told = errors.map(({ field, message }) => (field === '' ? `The body ${message}.` : `"${field}" ${message}.`))
  const details = problem('malformed-body', told.join(' '), { errors })
  return { status: details.status, body: details }
}

function busy(reason: string): Reply {
  const body = problem('try-again', `Nothing was done, since ${reason}. Try again with the same idempotency key.`)
  return { status: body.status, body }
}
