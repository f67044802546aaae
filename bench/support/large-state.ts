/**
 * Fills a log with the state of a large bank, as the payments service itself would have written it: users, balances and
 * idempotency keys, in transactions, with the encodings of the real stores.
 */
import { createHash } from 'node:crypto'
import { applicationIds, encodeOutcome, headerNames, jsonContentType, topicNames } from '@streampay/domain'
import {
  type Cluster,
  openProducer,
  openTransactionalProducer,
  partitionForKey,
  type RecordToSend,
} from '@streampay/kafka'
import { paymentsTopology } from '@streampay/payments'

export type LargeState = { readonly accounts: number; readonly keys: number }

const partitionCount = 4
const recordsInATransaction = 4_000
const changelogs = {
  accounts: topicNames.balances,
  idempotency: `${applicationIds.payments}-idempotency-changelog`,
}
/** Some moment within the last day: what is older would be purged. */
const at = Date.now() - 3_600_000

/** As long as the subjects of a large identity provider are. */
export function accountId(n: number): string {
  return `google-oauth2|1${String(n).padStart(20, '0')}`
}

/** An account of the partition; they are found in ascending order of their numbers. */
export function accountIn(partition: number): string {
  for (let n = 0; ; n++) if (partitionForKey(accountId(n), partitionCount) === partition) return accountId(n)
}

export async function fillLog(cluster: Cluster, { accounts, keys }: LargeState): Promise<void> {
  const users = openProducer(cluster, { deliveryTimeoutMs: 120_000 })
  await inPieces(accounts, userRecord, (records) => users.send(records).then(() => undefined))
  await users.close()
  const producer = await openTransactionalProducer(cluster, { transactionalId: 'large-state' })
  const write = async (records: RecordToSend[]) => {
    producer.begin()
    await producer.send(records)
    await producer.commit()
  }
  await inPieces(accounts, accountRecord, write)
  await inPieces(keys, keyRecord, write)
  await producer.close()
}

async function inPieces(
  count: number,
  make: (n: number) => RecordToSend,
  write: (records: RecordToSend[]) => Promise<void>,
): Promise<void> {
  for (let from = 0; from < count; from += recordsInATransaction) {
    const size = Math.min(recordsInATransaction, count - from)
    await write(Array.from({ length: size }, (_, index) => make(from + index)))
  }
}

function userRecord(n: number): RecordToSend {
  const id = accountId(n)
  const value = JSON.stringify({ id, name: `Customer number ${n}`, username: `customer-${n}` })
  return { topic: topicNames.users, key: id, value, headers: { [headerNames.identity]: id } }
}

const stores = new Map(paymentsTopology().stores.map((store) => [store.name, store]))

function accountRecord(n: number): RecordToSend {
  const account = accountId(n)
  const balance = { account, balance: 50_000, sequence: 1, transferId: `opening:${account}`, at, opened: true }
  const value = stores.get('accounts')?.value.encode(balance) ?? null
  const headers = { [headerNames.contentType]: jsonContentType, [headerNames.identity]: account }
  return { topic: changelogs.accounts, partition: partitionOf(account), key: account, value, headers }
}

function keyRecord(n: number): RecordToSend {
  const account = accountId(n)
  const fingerprint = createHash('sha256').update(String(n)).digest('base64url')
  const outcome = encodeOutcome({
    kind: 'paid',
    transferId: `t${partitionOf(account)}-${n}`,
    balance: 49_000 + (n % 999),
  })
  const value = stores.get('idempotency')?.value.encode([at, fingerprint, outcome]) ?? null
  const key = `${account.length}:${account}${idempotencyKey(n)}`
  return { topic: changelogs.idempotency, partition: partitionOf(account), key, value }
}

/** In the form of a UUID, which is what the UI makes. */
function idempotencyKey(n: number): string {
  const hex = createHash('md5').update(String(n)).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

function partitionOf(account: string): number {
  return partitionForKey(account, partitionCount)
}
