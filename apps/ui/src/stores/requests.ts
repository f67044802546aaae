import { defineStore } from 'pinia'
import { computed, markRaw } from 'vue'
import type { PaymentRequest } from '../api/types.ts'
import { t } from '../i18n/wallet.ts'
import { createLiveView } from '../live/live-view.ts'
import { changedAt } from '../news/news.ts'
import { withVisibleNotes } from './visible-notes.ts'

/** The most that a view gives as history at once. */
export const maxOpen = 1_000
export const maxRecent = 200

const rules = {
  scope: 'read:payment-requests',
  key: ['id'],
  tidy: withVisibleNotes,
} as const

const open = { ...rules, compare: newestFirst, maxItems: maxOpen }
const recent = { ...rules, compare: lastChangedFirst, maxItems: maxRecent }

/** Payment requests, live: those that I should pay and those that I made; the open ones, and the latest closed ones. */
export const useRequests = defineStore('requests', () => {
  const incomingView = markRaw(
    createLiveView<PaymentRequest>({ url: `/payment-requests?status=open&last=${maxOpen}`, ...open }),
  )
  const receivedView = markRaw(
    createLiveView<PaymentRequest>({ url: `/payment-requests?last=${maxRecent}`, ...recent }),
  )
  const sentOpenView = markRaw(
    createLiveView<PaymentRequest>({ url: `/sent-payment-requests?status=open&last=${maxOpen}`, ...open }),
  )
  const sentView = markRaw(
    createLiveView<PaymentRequest>({ url: `/sent-payment-requests?last=${maxRecent}`, ...recent }),
  )

  const incoming = computed(() => incomingView.items.value)
  const received = computed(() => receivedView.items.value)
  const sentOpen = computed(() => sentOpenView.items.value)
  const sent = computed(() => sentView.items.value)
  const openCount = computed(() => incoming.value.length)

  return { incomingView, receivedView, sentOpenView, sentView, incoming, received, sentOpen, sent, openCount }
})

/** How many there are, and whether there may be more than were read. */
export function openCountWords(count: number): string {
  return count >= maxOpen ? t('shell.countOrMore', { count: String(maxOpen) }) : String(count)
}

export function isClosed({ status }: PaymentRequest): boolean {
  return status !== 'open'
}

function newestFirst(left: PaymentRequest, right: PaymentRequest): number {
  return right.createdAt - left.createdAt || (left.id < right.id ? 1 : -1)
}

function lastChangedFirst(left: PaymentRequest, right: PaymentRequest): number {
  return changedAt(right) - changedAt(left) || (left.id < right.id ? 1 : -1)
}
