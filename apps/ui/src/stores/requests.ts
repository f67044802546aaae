import { defineStore } from 'pinia'
import { computed, markRaw } from 'vue'
import type { PaymentRequest } from '../api/types.ts'
import { createLiveView } from '../live/live-view.ts'
import { withVisibleNotes } from './visible-notes.ts'

const rules = {
  keyOf: ({ id }: PaymentRequest) => id,
  compare: (left: PaymentRequest, right: PaymentRequest) =>
    right.createdAt - left.createdAt || (left.id < right.id ? 1 : -1),
  maxItems: 1_000,
  tidy: withVisibleNotes,
}

/** Payment requests, live: those that I should pay and those that I made. */
export const useRequests = defineStore('requests', () => {
  const incomingView = markRaw(createLiveView<PaymentRequest>({ url: () => '/payment-requests', ...rules }))
  const sentView = markRaw(createLiveView<PaymentRequest>({ url: () => '/sent-payment-requests', ...rules }))

  // The view holds open requests only; a record that shows another status on its way out is none either.
  const incoming = computed(() => incomingView.items.value.filter(({ status }) => status === 'open'))
  const sent = computed(() => sentView.items.value)
  const openCount = computed(() => incoming.value.length)

  return { incomingView, sentView, incoming, sent, openCount }
})
