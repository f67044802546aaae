/** What each stream must show, defined without the gateway's code: by keys and values, not by headers. */
import { type PaymentRequest, topicNames, type User } from '@streampay/domain'
import { partitionForKey } from '@streampay/kafka'
import type { LogRecord } from '../support/committed-log.ts'

export type WatchedView = {
  readonly path: string
  readonly topic: string
  readonly kind: 'delete' | 'compacted'
  /** The shape of the JSON snapshot. */
  readonly snapshot: 'list' | 'one'
  /** The record's key, from its value. */
  readonly keyOf: (value: unknown) => string
  /** Whether a record with a value is visible to this identity. */
  readonly shows: (record: LogRecord, identity: string) => boolean
}

const ofAccount = (record: LogRecord, identity: string) => record.key === identity
const ofEverybody = () => true
const member = (name: string) => (value: unknown) => String(Reflect.get(Object(value), name))
const theOnlyKey = () => 'all'

export const watchedViews: readonly WatchedView[] = [
  view('/transactions', topicNames.transactions, 'delete', { keyOf: member('account'), shows: ofAccount }),
  view('/balance-histories', topicNames.balanceHistories, 'delete', { keyOf: member('account'), shows: ofAccount }),
  view('/activities', topicNames.activities, 'delete', { keyOf: member('from'), shows: ofEverybody }),
  view('/current-balance', topicNames.balances, 'compacted', {
    keyOf: member('account'),
    shows: ofAccount,
    snapshot: 'one',
  }),
  view('/payment-requests', topicNames.paymentRequests, 'compacted', {
    keyOf: member('id'),
    shows: (record, identity) => parse<PaymentRequest>(record).debtor === identity,
  }),
  view('/payment-requests?status=open', topicNames.paymentRequests, 'compacted', {
    keyOf: member('id'),
    shows: (record, identity) => {
      const { debtor, status } = parse<PaymentRequest>(record)
      return debtor === identity && status === 'open'
    },
  }),
  view('/sent-payment-requests', topicNames.paymentRequests, 'compacted', {
    keyOf: member('id'),
    shows: (record, identity) => parse<PaymentRequest>(record).requester === identity,
  }),
  view('/current-user', topicNames.users, 'compacted', {
    keyOf: member('id'),
    shows: (record, identity) => record.key === identity && parse<User>(record).id === identity,
    snapshot: 'one',
  }),
  view('/total-transactions', topicNames.totalTransactions, 'compacted', {
    keyOf: theOnlyKey,
    shows: ofEverybody,
    snapshot: 'one',
  }),
]

/** The partition of a record of the view. */
export function partitionOf(key: string, partitions: number): number {
  return partitionForKey(key, partitions)
}

function view(
  path: string,
  topic: string,
  kind: WatchedView['kind'],
  rest: Pick<WatchedView, 'keyOf' | 'shows'> & Partial<WatchedView>,
): WatchedView {
  return { path, topic, kind, snapshot: 'list', ...rest }
}

function parse<T>({ value }: LogRecord): T {
  return JSON.parse(value ?? 'null') as T
}
