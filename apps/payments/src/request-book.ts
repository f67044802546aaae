/**
 * Payment requests. The debtor's task holds them and alone writes `payment-requests` (INV-5); the requester's task only
 * remembers whose debtor each belongs to. Between the two tasks goes the repartition topic.
 */
import {
  type ForwardedCommand,
  headerNames,
  isForgettable,
  isForgotten,
  type KnownRequest,
  type PaymentRequest,
  paymentRequest,
  topicNames,
} from '@streampay/domain'
import type {
  GlobalTableDefinition,
  OutgoingHeaders,
  ProcessorContext,
  Punctuator,
  StoreDefinition,
} from '@streampay/streams'
import { encodeJson, jsonHeaders, jsonSerde, textSerde } from './serdes.ts'

/** At the debtor's task: open requests, and closed ones for 91 days, on the last of which they count as unknown. */
export const requestStore: StoreDefinition<PaymentRequest> = { name: 'requests', value: jsonSerde(paymentRequest) }

/** At the requester's task: request id → debtor, as long as the debtor's task has the request. */
export const sentRequestStore: StoreDefinition<string> = { name: 'sent-requests', value: textSerde }

type Parties = Pick<PaymentRequest, 'debtor' | 'requester'>

/** Who is party to which request, in every task: only to tell "not yours" from "unknown". It trails the log. */
export const requestTable: GlobalTableDefinition<Parties> = {
  name: 'all-requests',
  topic: topicNames.paymentRequests,
  value: {
    encode: encodeJson,
    decode(bytes) {
      const { debtor, requester } = requestStore.value.decode(bytes)
      return { debtor, requester }
    },
  },
}

/** The request, if it is of this task and not forgotten. */
export function requestOf(context: ProcessorContext, id: string): PaymentRequest | undefined {
  const known = knownRequest(context, id)
  return typeof known === 'object' ? known : undefined
}

export function knownRequest(context: ProcessorContext, id: string): KnownRequest {
  const request = context.store<PaymentRequest>(requestStore.name).get(id)
  if (request !== undefined) return isForgotten(request, context.streamTime) ? 'unknown' : request
  return context.table<Parties>(requestTable.name).get(id) === undefined ? 'unknown' : 'elsewhere'
}

/** Stores a version of a request and publishes it. */
export function saveRequest(context: ProcessorContext, request: PaymentRequest): void {
  context.store<PaymentRequest>(requestStore.name).set(request.id, request)
  context.send({
    topic: topicNames.paymentRequests,
    key: request.id,
    value: encodeJson(request),
    headers: requestHeaders(request),
  })
}

export function debtorOf(context: ProcessorContext, requestId: string): string | undefined {
  return context.store<string>(sentRequestStore.name).get(requestId)
}

/** Makes a new request known here, at the requester's task, and sends it to the debtor's. */
export function sendRequest(context: ProcessorContext, request: PaymentRequest): void {
  context.store<string>(sentRequestStore.name).set(request.id, request.debtor)
  forward(context, request.debtor, { type: 'request', request })
}

/** To the task of `account`, in the order of sending. */
export function forward(context: Pick<ProcessorContext, 'send'>, account: string, command: ForwardedCommand): void {
  context.send({
    topic: topicNames.requestsRepartition,
    key: account,
    value: encodeJson(command),
    headers: jsonHeaders,
  })
}

export function forgetSentRequest(context: ProcessorContext, requestId: string): void {
  context.store<string>(sentRequestStore.name).delete(requestId)
}

/** Writes the tombstones of requests that were closed 91 days ago, a bounded number at a time. */
export const requestPurge: Punctuator = {
  everyMs: 60 * 60 * 1000,
  run(streamTime, context) {
    const requests = context.store<PaymentRequest>(requestStore.name)
    const due: PaymentRequest[] = []
    for (const [, request] of requests.entries()) {
      if (isForgettable(request, streamTime)) due.push(request)
      if (due.length === maxForgotten) break
    }
    for (const request of due) {
      const { id, requester } = request
      requests.delete(id)
      context.send({ topic: topicNames.paymentRequests, key: id, value: null, headers: requestHeaders(request) })
      forward(context, requester, { type: 'forget', id, requester })
    }
  },
}

const maxForgotten = 10_000

/** On tombstones too, so that a view knows whose request is gone. */
function requestHeaders({ debtor, requester, status }: PaymentRequest): OutgoingHeaders {
  return {
    ...jsonHeaders,
    [headerNames.identity]: debtor,
    [headerNames.requester]: requester,
    [headerNames.requestStatus]: status,
  }
}
