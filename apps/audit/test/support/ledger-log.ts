/**
 * A small but complete history of StreamPay, made by the real topologies without a log: accounts, payments, top-ups and requests with each
 * end. A test can change it and then write it to a real log, with the groups' offsets at its end.
 */
import {
  applicationIds,
  type DomainModel,
  headerNames,
  jsonContentType,
  topicNamed,
  topicNames,
  topics,
  treasuryId,
} from '@streampay/domain'
import { type Cluster, openAdmin, openProducer, openTransactionalProducer } from '@streampay/kafka'
import { paymentsTopology, statisticsTopology } from '@streampay/payments'
import { openTestDriver, type TestDriver } from '@streampay/streams/test-driver'

export type LogRecord = {
  readonly partition: number
  readonly key: string | null
  readonly value: unknown
  readonly headers: Readonly<Record<string, string>>
}

/** Records of each topic, partition by partition in offset order. Values are parsed JSON, or bytes where a store keeps no JSON; null is a tombstone. */
export type LedgerLog = Map<string, LogRecord[]>

const partitionCount = topicNamed(topicNames.transactions).partitions
const people = ['ada', 'bela', 'chioma', 'dimitri', 'esra']

let made: LedgerLog | undefined

/** Each call gives a log of its own, with the same records: they are made once, since that takes longer than most tests of them. */
export function makeLedgerLog(): LedgerLog {
  made ??= writtenByTheTopologies()
  return new Map([...made].map(([topic, records]) => [topic, records.map(copyOf)]))
}

function copyOf(record: LogRecord): LogRecord {
  return { ...record, value: Buffer.isBuffer(record.value) ? record.value : structuredClone(record.value) }
}

function writtenByTheTopologies(): LedgerLog {
  const payments = openTestDriver(paymentsTopology(), { partitionCount })
  people.forEach((id) => {
    payments.pipe({
      topic: topicNames.users,
      key: id,
      value: { id, name: `${id} by name`, username: id },
      headers: { [headerNames.identity]: id },
    })
    payments.settle()
  })
  actOn(payments)
  const statistics = openTestDriver(statisticsTopology(), { partitionCount })
  for (const topic of [
    topicNames.users,
    topicNames.paymentRequests,
    topicNames.transactions,
    topicNames.balanceHistories,
  ]) {
    for (const { key, value, headers, partition } of payments.records(topic)) {
      if (topic === topicNames.users) continue
      statistics.pipe({ topic, key, value, headers, partition })
    }
    statistics.settle()
  }
  const log: LedgerLog = new Map()
  for (const { name } of topics) {
    const written = [...payments.records(name), ...(isDerivedByStatistics(name) ? statistics.records(name) : [])]
    log.set(
      name,
      written.map(({ partition, key, json, value, headers }) => ({
        partition,
        key,
        value: value === null ? null : (json ?? value),
        headers,
      })),
    )
  }
  return log
}

function isDerivedByStatistics(name: string): boolean {
  return topicNamed(name).writtenBy.includes('statistics')
}

function actOn(driver: TestDriver): void {
  let commands = 0
  const act: Act = (model, identity, body, requestId) => {
    commands += 1
    const headers = {
      [headerNames.domainModel]: model,
      [headerNames.identity]: identity,
      [headerNames.correlationId]: `correlation-${commands}`,
      [headerNames.replyTo]: topicNames.replies,
      [headerNames.idempotencyKey]: `key-${commands}`,
      [headerNames.contentType]: jsonContentType,
      ...(requestId === undefined ? {} : { [headerNames.requestId]: requestId }),
    }
    const written = [
      ...driver.pipe({ topic: topicNames.commands, key: identity, value: body, headers }),
      ...driver.settle(),
    ]
    const reply = written.find((record) => record.topic === topicNames.replies)
    if (reply === undefined || !/^20[01]$/.test(reply.headers[headerNames.status] ?? '')) {
      throw new Error(`${model} of ${identity} was answered with ${JSON.stringify(reply?.json)}`)
    }
    return (reply.json as { id?: string }).id ?? ''
  }
  for (const [index, payer] of people.entries()) {
    for (const [other, payee] of people.entries()) {
      if (payer !== payee) act('PayCommand', payer, { userId: payee, amount: 100 + index * 10 + other })
    }
  }
  act('PayCommand', treasuryId, { userId: 'ada', amount: 10_000 })
  const toPay = act('RequestCommand', 'ada', { userId: 'bela', amount: 777 })
  act('PayCommand', 'bela', { userId: 'ada', amount: 777, requestId: toPay })
  const toDecline = act('RequestCommand', 'chioma', { userId: 'bela', amount: 5 })
  act('DeclineCommand', 'bela', {}, toDecline)
  const toCancel = act('RequestCommand', 'chioma', { userId: 'esra', amount: 6 })
  act('CancelCommand', 'chioma', {}, toCancel)
  act('RequestCommand', 'dimitri', { userId: 'ada', amount: 7 })
  actInPrivate(act)
}

type Act = (model: DomainModel, identity: string, body: unknown, requestId?: string) => string

function actInPrivate(act: Act): void {
  const visibility = 'private'
  act('PayCommand', 'chioma', { userId: 'dimitri', amount: 61, visibility })
  const toPay = act('RequestCommand', 'ada', { userId: 'bela', amount: 62, visibility })
  act('PayCommand', 'bela', { userId: 'ada', amount: 62, requestId: toPay })
  const toDecline = act('RequestCommand', 'chioma', { userId: 'bela', amount: 63, visibility })
  act('DeclineCommand', 'bela', {}, toDecline)
  const toCancel = act('RequestCommand', 'chioma', { userId: 'esra', amount: 64, visibility })
  act('CancelCommand', 'chioma', {}, toCancel)
}

/** Nothing may be compacted or expire in a copy that exists for a second: the topics have no such settings here. */
export async function createTopics(cluster: Cluster): Promise<void> {
  const wanted = topics.map(({ name, partitions }) => ({ name, partitions, replicationFactor: 1 }))
  await openAdmin(cluster).createTopics(wanted)
}

/** Creates every topic on the log, writes the records and commits both groups at the end of what they read. */
export async function writeLedgerLog(cluster: Cluster, log: LedgerLog): Promise<void> {
  await createTopics(cluster)
  const producer = openProducer(cluster, {})
  const records = [...log].flatMap(([topic, written]) =>
    written.map(({ value, ...record }) => ({
      topic,
      ...record,
      value: value === null || Buffer.isBuffer(value) ? value : JSON.stringify(value),
    })),
  )
  if (records.length > 0) await producer.send(records)
  await producer.close()
  for (const groupId of Object.values(applicationIds)) await commitAtEnd(cluster, groupId)
}

async function commitAtEnd(cluster: Cluster, groupId: string): Promise<void> {
  const read = [
    topicNames.commands,
    topicNames.transactions,
    topicNames.paymentRequests,
    topicNames.balanceHistories,
    topicNames.totalsRepartition,
  ]
  const partitions = read.flatMap((topic) =>
    Array.from({ length: partitionCount }, (_, partition) => ({ topic, partition })),
  )
  const ends = await openAdmin(cluster).listOffsets(partitions, 'latest')
  const producer = await openTransactionalProducer(cluster, { transactionalId: `${groupId}-copy` })
  producer.begin()
  await producer.sendOffsets(
    { groupId, generationId: -1, memberId: '', groupInstanceId: null },
    ends.map(({ topic, partition, offset }) => ({ topic, partition, offset, metadata: '' })),
  )
  await producer.commit()
  await producer.close()
}
