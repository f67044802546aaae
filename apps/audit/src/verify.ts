/** All invariants on one cut. Pure: the same cut gives the same findings, in the same order. */
import { verifyAccounts } from './accounts.ts'
import type { Finding, LogCut } from './cut.ts'
import { verifyReplies } from './replies.ts'
import { verifyRequests } from './requests.ts'
import { verifyStatistics } from './statistics.ts'
import { transfersOf, verifyTransfers } from './transfers.ts'

export function verify(cut: LogCut): Finding[] {
  const transfers = transfersOf(cut.transactions)
  return [
    ...verifyTransfers(cut, transfers),
    ...verifyAccounts(cut),
    ...verifyReplies(cut, transfers),
    ...verifyRequests(cut),
    ...verifyStatistics(cut),
  ]
}
