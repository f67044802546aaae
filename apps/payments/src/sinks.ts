/** The topics that the topologies write, each with the conditions of its readers: a record that does not meet them is never written. */
import {
  activity,
  balanceHistory,
  blockedPerson,
  entry,
  favouritePerson,
  forwardedCommand,
  matches,
  paymentRequest,
  type Reply,
  replyBody,
  replyTopics,
  topicNames,
  totalsKey,
  totalsPart,
} from '@streampay/domain'
import type { SinkDefinition } from '@streampay/streams'
import { checkedJson, jsonSerde } from './serdes.ts'

/** The ledger. A credit is applied by the task of its key, so the key must be the account. */
export const ledgerSink = {
  topic: topicNames.transactions,
  value: jsonSerde(entry),
  key: ({ account }: { readonly account: string }) => account,
}

export const historySink = {
  topic: topicNames.balanceHistories,
  value: jsonSerde(balanceHistory),
  key: ({ account }: { readonly account: string }) => account,
}

export const requestSink = {
  topic: topicNames.paymentRequests,
  value: jsonSerde(paymentRequest),
  key: ({ id }: { readonly id: string }) => id,
}

export const blockSink = {
  topic: topicNames.blockedPeople,
  value: jsonSerde(blockedPerson),
  key: ({ id }: { readonly id: string }) => id,
}

export const favouriteSink = {
  topic: topicNames.favouritePeople,
  value: jsonSerde(favouritePerson),
  key: ({ id }: { readonly id: string }) => id,
}

const replySerde = checkedJson((value): value is Reply['body'] => matches(replyBody, value), 'reply')

/** By topic: every topic to which a command may ask for its reply. */
export const replySinks: ReadonlyMap<string, SinkDefinition<Reply['body']>> = new Map(
  replyTopics.map((topic) => [topic, { topic, value: replySerde }]),
)

export const forwardSink = { topic: topicNames.requestsRepartition, value: jsonSerde(forwardedCommand) }

export const activitySink = {
  topic: topicNames.activities,
  value: jsonSerde(activity),
  key: ({ from }: { readonly from: string }) => from,
}

export const totalsSink = { topic: topicNames.totalsRepartition, value: jsonSerde(totalsPart), key: () => totalsKey }
