/** INV-3 as clients see it: a payment that was acknowledged with 200 is on the ledger, with the balance that was told. */
import type { BalanceHistory, Entry } from '@streampay/domain'
import { coordinates, type Finding, type Located, type LogCut } from './cut.ts'

export function* verifyReplies(
  cut: LogCut,
  transfers: ReadonlyMap<string, readonly Located<Entry>[]>,
): Iterable<Finding> {
  const rows = new Map<string, Located<BalanceHistory>>()
  for (const row of cut.histories) rows.set(rowKey(row.value.account, row.value.transferId), row)
  for (const reply of cut.replies) {
    const { transferId, identity, balance } = reply.value
    const entry = transfers.get(transferId)?.find((candidate) => candidate.value.account === identity)
    if (entry === undefined) {
      yield {
        invariant: 'INV-3',
        message: `payment ${transferId} of ${identity} was acknowledged, but is not on the ledger`,
        record: coordinates(reply),
      }
      continue
    }
    const row = rows.get(rowKey(identity, transferId))
    if (row !== undefined && row.value.balance !== balance) {
      yield {
        invariant: 'INV-3',
        message: `payment ${transferId} was acknowledged with balance ${balance}, its history row says ${row.value.balance}`,
        record: `${coordinates(reply)}, ${coordinates(row)}`,
      }
    }
  }
}

function rowKey(account: string, transferId: string): string {
  return `${account}\n${transferId}`
}
