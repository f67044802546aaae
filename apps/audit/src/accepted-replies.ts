/** Payments that were acknowledged with 200; other replies promise nothing about the ledger. */
import { headerNames, identityOfReply, matches, payReply } from '@streampay/domain'
import { headerText, type ReceivedRecord } from '@streampay/kafka'
import type { AcceptedReply, Located } from './cut.ts'

export function acceptedReply(record: ReceivedRecord): Located<AcceptedReply> | undefined {
  if (record.value === null || headerText(record.headers, headerNames.status) !== '200') return undefined
  const value: unknown = JSON.parse(record.value.toString('utf8'))
  if (!matches(payReply, value)) return undefined
  const { topic, partition, offset, timestamp } = record
  const identity = identityOfReply((name) => headerText(record.headers, name)) ?? ''
  const { transferId, balance } = value
  const key = record.key?.toString('utf8') ?? ''
  return { topic, partition, offset, timestamp, key, value: { transferId, balance, identity } }
}
