/**
 * Fills a log with the state of a large bank, as the payments topology itself would have written it: users, balances, and idempotency keys
 * with their counts. The stores' own definitions and functions make the records; the ledger is left out, so the audit can't check it.
 */
import { createHash } from 'node:crypto'
import { applicationIds, topicNames } from '@streampay/domain'
import {
  type Cluster,
  openProducer,
  openTransactionalProducer,
  partitionForKey,
  type RecordToSend,
} from '@streampay/kafka'
import { paymentsTopology } from '@streampay/payments'
import type { ProcessorContext } from '@streampay/streams'
import { clientKey, remember } from '../../apps/payments/src/idempotency.ts'
import { keyUsageStore } from '../../apps/payments/src/key-usage.ts'
import { accountStore } from '../../apps/payments/src/ledger.ts'
import { personId, userRecord } from '../grow/history.ts'

export type LargeState = { readonly accounts: number; readonly keys: number }

const partitionCount = 4
const recordsInATransaction = 4_000

/** An account of the partition; they are found in ascending order of their numbers. */
export function accountIn(partition: number): string {
  for (let n = 0; ; n++) if (partitionForKey(personId(n), partitionCount) === partition) return personId(n)
}

export async function fillLog(cluster: Cluster, { accounts, keys }: LargeState): Promise<void> {
  const users = openProducer(cluster, { deliveryTimeoutMs: 120_000 })
  for (let from = 0; from < accounts; from += recordsInATransaction) {
    const size = Math.min(recordsInATransaction, accounts - from)
    await users.send(Array.from({ length: size }, (_, index) => userRecord(from + index)))
  }
  await users.close()
  const producer = await openTransactionalProducer(cluster, { transactionalId: 'large-state' })
  const writer = new StoreWriter(Date.now() - 3_600_000)
  const flush = async (atLeast: number) => {
    if (writer.size < atLeast) return
    producer.begin()
    await producer.send(writer.take())
    await producer.commit()
  }
  for (let n = 0; n < accounts; n++) {
    writeAccount(writer, personId(n))
    await flush(recordsInATransaction)
  }
  for (let n = 0; n < keys; n++) {
    writeKey(writer, personId(n % accounts), n)
    await flush(recordsInATransaction)
  }
  await flush(1)
  await producer.close()
}

/** Stores that turn what is set in them into records of their changelogs. */
class StoreWriter {
  /** The last of each key, as in the transaction of a task. */
  #records = new Map<string, RecordToSend>()
  readonly #at: number
  readonly #stores = new Map(paymentsTopology().stores.map((store) => [store.name, store]))
  /** By partition, of the store whose values are changed again and again. */
  readonly #values = new Map<string, unknown>()

  constructor(at: number) {
    this.#at = at
  }

  get size(): number {
    return this.#records.size
  }

  take(): RecordToSend[] {
    const records = [...this.#records.values()]
    this.#records = new Map()
    return records
  }

  /** The context of a task while it processes a record of this account, as far as stores need one. */
  contextOf(account: string): ProcessorContext {
    const context = {
      streamTime: this.#at,
      sourceTime: () => this.#at,
      store: (name: string) => ({
        get: (key: string) => this.#values.get(`${partitionForKey(account, partitionCount)} ${name} ${key}`),
        set: (key: string, value: unknown) => this.#set(name, { account, key, value }),
      }),
    }
    // Stores only: any other use of it would fail at once.
    return context as unknown as ProcessorContext
  }

  #set(name: string, { account, key, value }: { account: string; key: string; value: unknown }): void {
    const definition = this.#stores.get(name)
    if (definition === undefined) throw new Error(`there is no store ${name}`)
    const partition = partitionForKey(account, partitionCount)
    const id = `${partition} ${name} ${key}`
    if (name === keyUsageStore.name) this.#values.set(id, value)
    const headers = definition.headers?.(key, value)
    this.#records.set(id, {
      topic: definition.changelog ?? `${applicationIds.payments}-${name}-changelog`,
      partition,
      key: definition.key?.encode(key) ?? key,
      value: definition.value.encode(value),
      timestamp: this.#at,
      ...(headers && { headers }),
    })
  }
}

function writeAccount(writer: StoreWriter, account: string): void {
  const context = writer.contextOf(account)
  const balance = {
    account,
    balance: 50_000,
    sequence: 1,
    transferId: `opening:${account}`,
    at: context.streamTime,
    opened: true,
  }
  context.store(accountStore.name).set(account, balance)
}

function writeKey(writer: StoreWriter, account: string, n: number): void {
  const partition = partitionForKey(account, partitionCount)
  const context = writer.contextOf(account)
  const key = clientKey(account, idempotencyKey(n))
  remember(
    context,
    { key, identity: account, at: context.streamTime },
    {
      fingerprint: createHash('sha256').update(String(n)).digest().subarray(0, 16).toString('base64url'),
      outcome: { kind: 'paid', transferId: `t${partition}-${n}`, balance: 49_000 + (n % 999) },
    },
  )
}

/** In the form of a UUID, which is what the wallet makes. */
function idempotencyKey(n: number): string {
  const hex = createHash('md5').update(String(n)).digest('hex')
  return hex.slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** The topics that a start of the payments topology reads completely if it has no local state. */
export function changelogTopics(): string[] {
  const names = paymentsTopology().stores.map(
    ({ name, changelog }) => changelog ?? `${applicationIds.payments}-${name}-changelog`,
  )
  return [...names, topicNames.users]
}
