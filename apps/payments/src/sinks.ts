/** The topics that the topologies send to, each with what its readers accept: a record that they would not is never written. */
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

/** The ledger. A credit is applied by the task of its key, so that has to be the account. */
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

/** By topic, wherever a command may ask its reply to be sent. */
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
