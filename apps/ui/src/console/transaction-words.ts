import type { OpenTransactions } from '../api/types.ts'
import { isKeyOf } from '../app/is-key-of.ts'
import { elapsedWords } from '../app/times.ts'
import { t } from '../i18n/console.ts'

/** Open transactions in words, with ages by the gateway's clock. */

/** Each payment is a transaction of some milliseconds; only a longer one makes readers wait noticeably. */
export const shortMs = 1_000

export type Held = OpenTransactions['held'][number]

/** Since when a partition is held back, if the log tells it; if not, when its producer last wrote there. */
export function heldSince({ holders }: Held): number | undefined {
  const first = holders?.[0]
  if (first === undefined) return undefined
  if (first.startedAt !== null) return first.startedAt
  return first.lastTimestamp < 0 ? undefined : first.lastTimestamp
}

/** The transactions that are not known to be short. */
export function heldLong({ held, at }: OpenTransactions): readonly Held[] {
  return held.filter((one) => at - (heldSince(one) ?? Number.NEGATIVE_INFINITY) >= shortMs)
}

export function holderWords(held: Held, at: number): string {
  if (held.holders === null) return t('groups.holderNotTold')
  const [first, ...others] = held.holders
  if (first === undefined) return t('groups.holderEnded')
  // A number of the protocol is no count, so it is not formatted.
  const holder = {
    who: first.transactionalId ?? t('groups.unknownHolder'),
    producer: String(first.producerId),
    epoch: String(first.producerEpoch),
    offset: String(first.offset),
    count: others.length,
  }
  const isAlone = others.length === 0
  const since = heldSince(held)
  if (since === undefined) return t(isAlone ? 'groups.held' : 'groups.heldAndMore', holder)
  const age = elapsedWords(Math.max(0, at - since))
  return t(isAlone ? 'groups.heldFor' : 'groups.heldForAndMore', { ...holder, age })
}

const states = {
  Ongoing: 'groups.ongoing',
  PrepareCommit: 'groups.committing',
  PrepareAbort: 'groups.aborting',
  PrepareEpochFence: 'groups.fencing',
} as const

export function transactionStateWords(state: string): string {
  return isKeyOf(states, state) ? t(states[state]) : state
}
