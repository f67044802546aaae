/** Holds what clients were told against the log: the audit, then our people's intents one by one. */
import { type Located, type LogCut, readLogCut, verify } from '@streampay/audit'
import type { Entry, PaymentRequest } from '@streampay/domain'
import { openCluster } from '@streampay/kafka'
import { type Intent, toldText } from './intent.ts'

export type LedgerCheck = {
  readonly cut: LogCut
  /** What must not be, in words; empty if all is well. */
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
    return { cut, faults: [...findings, ...compareIntents(cut, intents)], acknowledged }
  } finally {
    await cluster.close()
  }
}

export function isAcknowledgedPayment({ path, answer }: Intent): boolean {
  return path === '/pay' && answer?.status === 200
}

/**
 * Every acknowledged payment and request is there once, as it was asked for and told; every refused one is not; of what
 * nobody was told there is one at most; and our people were charged for nothing else. Simulated users don't act for them.
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
    faults.push(`${entries[0]?.value.account} was charged for ${key}, which nobody of ours asked for`)
  }
  return faults
}

/** The payers' entries of these people by the notes, which are the keys of the intents. */
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
