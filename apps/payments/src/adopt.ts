/**
 * Adds counts and times for data that a version without them has stored. It has work only once, before the first record
 * after the update; until then nothing is limited or expires.
 */
import { expiresAt, forgettableAt, type PaymentRequest, pairOf, type RequestLimits } from '@streampay/domain'
import type { KeyValueStore, Punctuator } from '@streampay/streams'
import { addTo, countStore } from './counts.ts'
import { requestStore } from './request-book.ts'
import { keepsTimes, schedule } from './request-times.ts'

function isEmpty(store: KeyValueStore<unknown>): boolean {
  return [...store.range({ limit: 1 })].length === 0
}

const yearMs = 365 * 24 * 60 * 60 * 1000

export function adoption(limits: RequestLimits): Punctuator {
  return {
    everyMs: yearMs,
    run(_streamTime, context) {
      if (keepsTimes(context) || !isEmpty(context.store(countStore.name))) return
      for (const [id, request] of context.store<PaymentRequest>(requestStore.name).range()) {
        const { debtor, requester, status, closedAt = request.createdAt } = request
        if (status === 'open') {
          addTo(context, 'owed', debtor, 1)
          addTo(context, 'pair', pairOf(debtor, requester), 1)
        }
        schedule(context, id, status === 'open' ? expiresAt(request, limits) : forgettableAt(closedAt))
      }
    },
  }
}
