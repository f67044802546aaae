/**
 * Commands that another task decides, in the task of their sender: who waits for the answer, and under which key it will be
 * stored. Each is forwarded once and decided once; a repetition meanwhile waits for the same answer. The name of an intent
 * is the coordinates of its first command.
 */
import {
  decodeOutcome,
  type ForwardedCommand,
  type PendingCommand,
  pendingCommand,
  type ReplyAddress,
  replyTo,
} from '@streampay/domain'
import type { ProcessorContext, StoreDefinition } from '@streampay/streams'
import { settle } from './idempotency.ts'
import { forgetPlace } from './request-book.ts'
import { sendReply } from './send-reply.ts'
import { jsonSerde } from './serdes.ts'

export const pendingStore: StoreDefinition<PendingCommand> = { name: 'pending', value: jsonSerde(pendingCommand) }

/** How many repetitions of one command wait with it; further ones are asked to come again. */
const maxWaiters = 8

export function awaitDecision(context: ProcessorContext, intent: string, pending: PendingCommand): void {
  context.store<PendingCommand>(pendingStore.name).set(intent, pending)
}

/** `unknown`: no answer is expected for this intent. */
export function joinWaiters(
  context: ProcessorContext,
  intent: string,
  reply: ReplyAddress,
): 'joined' | 'full' | 'unknown' {
  const store = context.store<PendingCommand>(pendingStore.name)
  const pending = store.get(intent)
  if (pending === undefined) return 'unknown'
  if (pending.waiters.length >= maxWaiters) return 'full'
  store.set(intent, { ...pending, waiters: [...pending.waiters, reply] })
  return 'joined'
}

/** The other task has decided: the outcome is stored, or the key and its place are freed; and all waiting commands get the reply. */
export function settlePending(
  context: ProcessorContext,
  decided: Extract<ForwardedCommand, { type: 'decided' }>,
): void {
  const { intent } = decided
  const store = context.store<PendingCommand>(pendingStore.name)
  const pending = store.get(intent)
  // A process that was stopped and replaced may read decisions about commands that its successor forwarded. Its own transaction
  // will be refused; stopping at this record would report a correct record as the error.
  if (pending === undefined) return
  store.delete(intent)
  const { key, place, asked, waiters } = pending
  const outcome = decodeOutcome(decided.outcome)
  const [first] = waiters
  if (first !== undefined) settle(context, { key, identity: first.identity }, { intent, outcome })
  if (outcome.kind === 'refused' && place !== undefined) forgetPlace(context, place)
  for (const [index, waiter] of waiters.entries()) {
    // A refusal did not exist before: all that waited for it get the same reply.
    sendReply(context, waiter, replyTo(outcome, asked), { replayed: index > 0 && outcome.kind !== 'refused' })
  }
}
