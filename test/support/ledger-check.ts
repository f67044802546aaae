/** Compares clients' answers with the log: the audit, then the test people's intents one by one. */
import { isDeepStrictEqual } from 'node:util'
import { type Located, type LogCut, readLogCut, verify } from '@streampay/audit'
import { type Entry, type PaymentRequest, topicNamed, topicNames } from '@streampay/domain'
import { type Cluster, openAdmin, openCluster, readBetween } from '@streampay/kafka'
import { type Intent, toldText } from './intent.ts'

export type LedgerCheck = {
  readonly cut: LogCut
  /** The violations, in words; empty if there are none. */
  readonly faults: readonly string[]
  readonly acknowledged: number
}

export async function auditLog(brokers: readonly string[], intents: readonly Intent[]): Promise<LedgerCheck> {
  const cluster = openCluster({ brokers, clientId: 'ledger-check' })
  try {
    await cluster.ready({ timeoutMs: 10_000 })
    const cut = await readLogCut(cluster, { nowMs: Date.now })
    const findings = verify(cut).map(({ invariant, message, record }) => `${invariant} ${message} [${record ?? ''}]`)
    const acknowledged = intents.filter(isAcknowledgedPayment).length
    const profiles = compareProfiles(await newestUsers(cluster), intents)
    return { cut, faults: [...findings, ...compareIntents(cut, intents), ...profiles], acknowledged }
  } finally {
    await cluster.close()
  }
}

export function isAcknowledgedPayment({ path, answer }: Intent): boolean {
  return path === '/pay' && answer?.status === 200
}

/**
 * Every acknowledged payment and request is there once, as it was sent and answered; every refused one is not; one without an answer is
 * there once at most; and the test people were charged for nothing else. Simulated users don't pay for them.
 */
export function compareIntents(cut: LogCut, intents: readonly Intent[]): string[] {
  const payments = paymentsByKey(cut, new Set(intents.map((intent) => intent.identity)))
  const requests = requestsByKey(cut)
  const faults: string[] = []
  for (const intent of intents) {
    if (intent.path === '/pay') {
      faults.push(...comparePayment(intent, payments.get(intent.key) ?? []))
      payments.delete(intent.key)
    } else if (intent.path === '/request') {
      faults.push(...compareRequest(intent, requests.get(intent.key) ?? []))
    } else faults.push(...compareClosing(intent, cut))
  }
  for (const [key, entries] of payments) {
    faults.push(`${entries[0]?.value.account} was charged for ${key}, which no client of this run asked for`)
  }
  return faults
}

/** What the newest record of each key on `users` says. */
async function newestUsers(cluster: Cluster): Promise<Map<string, unknown>> {
  const topic = topicNames.users
  const partitions = Array.from({ length: topicNamed(topic).partitions }, (_, partition) => ({ topic, partition }))
  const admin = openAdmin(cluster)
  const starts = await admin.listOffsets(partitions, 'earliest', 'read_uncommitted')
  const ends = await admin.listOffsets(partitions, 'latest', 'read_committed')
  const ranges = starts.map(({ partition, offset: start }) => {
    return { topic, partition, start, end: ends.find((end) => end.partition === partition)?.offset ?? start }
  })
  const users = new Map<string, unknown>()
  for await (const records of readBetween(cluster, ranges)) {
    for (const { key, value } of records) {
      users.set(key?.toString('utf8') ?? '', value === null ? null : JSON.parse(value.toString('utf8')))
    }
  }
  return users
}

/** The newest profile that a test person saved is there, if saving it was acknowledged. */
export function compareProfiles(users: ReadonlyMap<string, unknown>, intents: readonly Intent[]): string[] {
  const newest = new Map(
    intents.filter(({ path }) => path === '/current-user').map((intent) => [intent.identity, intent]),
  )
  return [...newest.values()].flatMap(({ identity, body, answer }) => {
    const found = users.get(identity)
    if (answer?.status !== 200 || isDeepStrictEqual(found, { id: identity, ...body })) return []
    return [`the profile of ${identity} was acknowledged, but is ${JSON.stringify(found)} on the log`]
  })
}

/** The payers' entries of these people by their notes, which are the keys of the intents. */
export function paymentsByKey(cut: LogCut, people: ReadonlySet<string>): Map<string, Located<Entry>[]> {
  const charged = cut.transactions.filter(
    ({ value }) => value.kind === 'payment' && value.amount < 0 && people.has(value.account),
  )
  return Map.groupBy(charged, ({ value }) => value.notes ?? value.transferId)
}

function requestsByKey(cut: LogCut): Map<string, Located<PaymentRequest>[]> {
  return Map.groupBy(cut.requests.values(), ({ value }) => value.notes ?? value.id)
}

function* comparePayment(intent: Intent, entries: readonly Located<Entry>[]): Iterable<string> {
  const { identity, key, body, answer } = intent
  const what = `payment ${key} of ${identity}, told ${toldText(answer)},`
  if (!mayStandSoOften(intent, 200, entries.length)) {
    yield `${what} is on the ledger ${entries.length} times`
    return
  }
  const [entry] = entries
  if (entry === undefined) return
  const wanted: Partial<Entry> = {
    account: identity,
    counterparty: body.userId as string,
    amount: -(body.amount as number),
    ...(body.requestId === undefined ? {} : { requestId: body.requestId as string }),
    ...(answer === undefined ? {} : { transferId: (answer.body as { transferId: string }).transferId }),
  }
  yield* differences(what, wanted, entry.value)
}

function* compareRequest(intent: Intent, found: readonly Located<PaymentRequest>[]): Iterable<string> {
  const { identity, key, body, answer } = intent
  const what = `request ${key} of ${identity}, told ${toldText(answer)},`
  if (!mayStandSoOften(intent, 201, found.length)) {
    yield `${what} is on the log ${found.length} times`
    return
  }
  const [request] = found
  if (request === undefined) return
  const wanted: Partial<PaymentRequest> = {
    requester: identity,
    debtor: body.userId as string,
    amount: body.amount as number,
    ...(answer === undefined ? {} : { id: (answer.body as { id: string }).id }),
  }
  yield* differences(what, wanted, request.value)
}

/** Acknowledged: once. Refused: never. Unknown: at most once, and never if all answers promised that nothing was done. */
function mayStandSoOften({ answer, mayBeDone }: Intent, success: number, count: number): boolean {
  if (answer !== undefined) return count === (answer.status === success ? 1 : 0)
  return mayBeDone ? count <= 1 : count === 0
}

function* compareClosing({ path, answer, key }: Intent, cut: LogCut): Iterable<string> {
  const [, id, how] = /^\/payment-requests\/([^/]+)\/(decline|cancel)$/.exec(path) ?? []
  if (id === undefined || answer?.status !== 200) return
  const wanted = how === 'decline' ? 'declined' : 'cancelled'
  const status = cut.requests.get(id)?.value.status
  if (status !== wanted) yield `${path} with key ${key} was acknowledged, but the request is ${status ?? 'not there'}`
}

function* differences<T extends object>(what: string, wanted: Partial<T>, found: T): Iterable<string> {
  for (const [name, value] of Object.entries(wanted)) {
    const actual: unknown = Reflect.get(found, name)
    if (actual !== value) yield `${what} has ${name} ${String(actual)} on the log, not ${String(value)}`
  }
}
