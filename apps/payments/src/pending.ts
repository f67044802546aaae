/**
 * Commands that another task decides, at the task of who sent them: who waits for the answer, and under which key it will be
 * kept. Each is forwarded once and decided once; a repeat that comes meanwhile waits for the same answer. An intent is named
 * by the coordinates of its first command.
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
import { sendReply } from './replies.ts'
import { forgetPlace } from './request-book.ts'
import { jsonSerde } from './serdes.ts'

export const pendingStore: StoreDefinition<PendingCommand> = { name: 'pending', value: jsonSerde(pendingCommand) }

/** Repeats of one command that wait with it; more of them are asked to come again. */
const maxWaiters = 8

export function awaitDecision(context: ProcessorContext, intent: string, pending: PendingCommand): void {
  context.store<PendingCommand>(pendingStore.name).set(intent, pending)
}

/** `unknown`: nothing is awaited under this intent. */
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

/** The other task has decided: the outcome is kept, or the key and the place are free again; and everybody is told. */
export function settlePending(
  context: ProcessorContext,
  decided: Extract<ForwardedCommand, { type: 'decided' }>,
): void {
  const { intent } = decided
  const store = context.store<PendingCommand>(pendingStore.name)
  const pending = store.get(intent)
  // A process that stood still, and was passed over, reads decisions about what its successor forwarded. Its own transaction
  // will be refused; to stop at this record would name a sound one as the fault.
  if (pending === undefined) return
  store.delete(intent)
  const { key, place, asked, waiters } = pending
  const outcome = decodeOutcome(decided.outcome)
  const [first] = waiters
  if (first !== undefined) settle(context, { key, identity: first.identity }, { intent, outcome })
  if (outcome.kind === 'refused' && place !== undefined) forgetPlace(context, place)
  for (const [index, waiter] of waiters.entries()) {
    // A refusal is no outcome that was there before: it is told alike to all who waited for it.
    sendReply(context, waiter, replyTo(outcome, asked), { replayed: index > 0 && outcome.kind !== 'refused' })
  }
}
