/** Holds what clients were told against the log: the audit, and our people's payments one by one. */
import { type Located, type LogCut, readLogCut, verify } from '@streampay/audit'
import type { Entry } from '@streampay/domain'
import { openCluster } from '@streampay/kafka'
import type { Intent } from '../support/bank-client.ts'

export type LedgerCheck = {
  readonly cut: LogCut
  /** What must not be, in words; empty if all is well. */
  readonly faults: readonly string[]
  readonly acknowledged: number
}

export async function auditLog(brokers: readonly string[], intents: readonly Intent[]): Promise<LedgerCheck> {
  const cluster = openCluster({ brokers, clientId: 'invariants' })
  try {
    await cluster.ready({ timeoutMs: 10_000 })
    const cut = await readLogCut(cluster, { nowMs: Date.now })
    const findings = verify(cut).map(({ invariant, message, record }) => `${invariant} ${message} [${record ?? ''}]`)
    const { faults, acknowledged } = comparePayments(cut, intents)
    return { cut, faults: [...findings, ...faults], acknowledged }
  } finally {
    await cluster.close()
  }
}

/** Our people's payments on the ledger are exactly those that were acknowledged, each once, with their amounts. */
function comparePayments(cut: LogCut, intents: readonly Intent[]): { faults: string[]; acknowledged: number } {
  const faults: string[] = []
  const onLedger = paymentsOf(cut, new Set(intents.map((intent) => intent.identity)))
  const acknowledged = new Set<string>()
  for (const intent of intents) {
    if (intent.path !== '/pay' || intent.answer?.status !== 200) continue
    const { transferId } = intent.answer.body as { transferId: string }
    const entries = onLedger.get(transferId) ?? []
    acknowledged.add(transferId)
    if (entries.length !== 1 || entries[0]?.value.amount !== -(intent.body.amount as number)) {
      faults.push(
        `payment ${transferId} of ${intent.identity} was acknowledged; the ledger holds it ${entries.length} times`,
      )
    }
  }
  // Simulated users may not act for our people, so whatever else stands there was never acknowledged to anybody.
  for (const [transferId, entries] of onLedger) {
    if (acknowledged.has(transferId)) continue
    faults.push(`${entries[0]?.value.account} was charged for ${transferId}, which nobody was told of`)
  }
  return { faults, acknowledged: acknowledged.size }
}

/** The payers' entries of these people, by transfer. */
function paymentsOf(cut: LogCut, people: ReadonlySet<string>): Map<string, Located<Entry>[]> {
  const payments = new Map<string, Located<Entry>[]>()
  for (const entry of cut.transactions) {
    const { kind, amount, account, transferId } = entry.value
    if (kind !== 'payment' || amount >= 0 || !people.has(account)) continue
    payments.set(transferId, [...(payments.get(transferId) ?? []), entry])
  }
  return payments
}
