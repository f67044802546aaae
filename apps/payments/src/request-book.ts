/**
 * Payment requests. The debtor's task stores them, counts the open ones and alone writes `payment-requests` (INV-5); the
 * requester's task stores the debtor of each, and counts the requester's open ones. Every event that closes a request is
 * sent to the requester's task through the repartition topic, once, so that both counts follow the same events:
 *
 *     requester's task                                     debtor's task
 *     ask ──── place taken, sent + 1 ───── request ───────► taken:   owed + 1, pair + 1, expiry noted
 *                                                           refused: nothing changes
 *     refused: place given back, sent − 1 ◄── decided ────────┘
 *     place closed, sent − 1 ◄─────────────── closed ─────── paid, declined, cancelled, expired: owed − 1, pair − 1
 *     place forgotten ◄────────────────────── forget ─────── 91 days later: tombstone
 */
import {
  closeRequest,
  expiresAt,
  type ForwardedCommand,
  forgettableAt,
  headerNames,
  isForgotten,
  type PaymentRequest,
  pairOf,
  paymentRequest,
  type RequestLimits,
  requestAt,
  type SentRequest,
  sentRequest,
} from '@streampay/domain'
import type { BatchContext, OutgoingHeaders, ProcessorContext, Punctuator, StoreDefinition } from '@streampay/streams'
import { addTo } from './counts.ts'
import { schedule, takeDue } from './request-times.ts'
import { jsonHeaders, jsonSerde, parseJson } from './serdes.ts'
import { forwardSink, requestSink } from './sinks.ts'

/** In the debtor's task: open requests, and closed ones for 91 days, on the last of which they count as unknown. */
export const requestStore: StoreDefinition<PaymentRequest> = { name: 'requests', value: jsonSerde(paymentRequest) }

const sentRequestSerde = jsonSerde(sentRequest)

export const sentRequestStore: StoreDefinition<SentRequest> = {
  name: 'sent-requests',
  value: {
    encode: sentRequestSerde.encode,
    decode(bytes) {
      const value = parseJson(bytes)
      // Versions without counts stored only the debtor.
      return typeof value === 'string' ? { debtor: value, open: false } : sentRequestSerde.decode(bytes)
    },
  },
}

/** The present state of the request, if it belongs to this task and was not removed. */
export function requestOf(context: BatchContext, id: string, limits: RequestLimits): PaymentRequest | undefined {
  const request = context.store<PaymentRequest>(requestStore.name).get(id)
  if (request === undefined || isForgotten(request, context.streamTime)) return undefined
  return requestAt(request, context.streamTime, limits)
}

/** Stores a new request. */
export function openRequest(context: BatchContext, request: PaymentRequest, limits: RequestLimits): void {
  const { id, debtor, requester } = request
  save(context, request)
  addTo(context, 'owed', debtor, 1)
  addTo(context, 'pair', pairOf(debtor, requester), 1)
  schedule(context, id, expiresAt(request, limits))
}

/** Stores the end of a request, and sends it to the requester's task. */
export function saveClosed(context: BatchContext, request: PaymentRequest): void {
  const { id, debtor, requester, closedAt = context.streamTime } = request
  save(context, request)
  addTo(context, 'owed', debtor, -1)
  addTo(context, 'pair', pairOf(debtor, requester), -1)
  schedule(context, id, forgettableAt(closedAt))
  forward(context, requester, { type: 'closed', id, requester })
}

function save(context: BatchContext, request: PaymentRequest): void {
  context.store<PaymentRequest>(requestStore.name).set(request.id, request)
  context.send(requestSink, { key: request.id, value: request, headers: requestHeaders(request) })
}

/** Stores a reminder of an open request: its debtor and its requester see the new version. */
export function saveReminded(context: BatchContext, request: PaymentRequest): void {
  save(context, request)
}

/** A request of `requester`, as the requester's task stores it. */
export function sentRequestOf(context: BatchContext, id: string, requester: string): SentRequest | undefined {
  const sent = context.store<SentRequest>(sentRequestStore.name).get(id)
  return sent?.requester === undefined || sent.requester === requester ? sent : undefined
}

/** Takes a place among the requester's open requests. */
export function takePlace(context: BatchContext, { id, debtor, requester }: PaymentRequest): void {
  context.store<SentRequest>(sentRequestStore.name).set(id, { debtor, requester, open: true })
  addTo(context, 'sent', requester, 1)
}

/** The request does not count any more, but can still be named. A second call has no effect. */
export function closePlace(context: BatchContext, id: string): void {
  const places = context.store<SentRequest>(sentRequestStore.name)
  const sent = places.get(id)
  if (sent?.open !== true || sent.requester === undefined) return
  places.set(id, { ...sent, open: false })
  addTo(context, 'sent', sent.requester, -1)
}

export function forgetPlace(context: BatchContext, id: string): void {
  closePlace(context, id)
  context.store<SentRequest>(sentRequestStore.name).delete(id)
}

/** Sends to the task of `account`, in the order of the calls. */
export function forward(context: Pick<ProcessorContext, 'send'>, account: string, command: ForwardedCommand): void {
  context.send(forwardSink, { key: account, value: command, headers: jsonHeaders })
}

/** Expires requests that were open for too long, and removes those that were closed 91 days ago; a limited number at a time. */
export function requestPunctuator(limits: RequestLimits): Punctuator {
  return {
    everyMs: 10 * 60 * 1000,
    run(streamTime, context) {
      for (const id of takeDue(context, maxDue)) {
        const request = context.store<PaymentRequest>(requestStore.name).get(id)
        if (request === undefined) continue
        if (request.status !== 'open') forgetIfDue(context, request)
        else if (expiresAt(request, limits) <= streamTime) {
          saveClosed(context, closeRequest(request, { status: 'expired', at: expiresAt(request, limits) }))
        }
        // Another setting has extended its time since.
        else schedule(context, id, expiresAt(request, limits))
      }
    },
  }
}

const maxDue = 10_000

function forgetIfDue(context: BatchContext, request: PaymentRequest): void {
  const { id, requester, closedAt = 0 } = request
  // Its earlier entry for expiry is also still due; this one is for the removal.
  if (forgettableAt(closedAt) > context.streamTime) return
  context.store<PaymentRequest>(requestStore.name).delete(id)
  context.send(requestSink, { key: id, value: null, headers: requestHeaders(request) })
  forward(context, requester, { type: 'forget', id, requester })
}

/** Also on tombstones, so that a view knows whose request is gone. */
function requestHeaders({ debtor, requester, status }: PaymentRequest): OutgoingHeaders {
  return {
    ...jsonHeaders,
    [headerNames.identity]: debtor,
    [headerNames.requester]: requester,
    [headerNames.requestStatus]: status,
  }
}
