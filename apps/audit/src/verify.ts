/** All invariants on a cut that is in memory. Pure: the same cut gives the same findings, in the same order. */
import { Accounts } from './accounts.ts'
import type { Finding, LogCut } from './cut.ts'
import { LedgerFigures } from './ledger-figures.ts'
import { verifyRequests } from './requests.ts'
import { Statements } from './statements.ts'
import { verifyStatistics } from './statistics.ts'
import { verifyTransfers } from './transfers.ts'

export function verify(cut: LogCut): Finding[] {
  const figures = new LedgerFigures(cut)
  for (const entry of cut.transactions) figures.add(entry)
  return [
    ...verifyTransfers(cut, cut),
    ...verifyAccounts(cut),
    ...verifyRequests(cut, cut),
    ...verifyStatistics(cut, figures, cut),
    ...verifyStatements(cut),
  ]
}

function* verifyAccounts(cut: LogCut): Iterable<Finding> {
  const accounts = new Accounts(cut)
  for (const balance of cut.balances.values()) accounts.addBalance(balance)
  for (const entry of cut.transactions) yield* accounts.addEntry(entry)
  for (const row of cut.histories) yield* accounts.addRow(row)
  yield* accounts.end()
}

function* verifyStatements(cut: LogCut): Iterable<Finding> {
  const statements = new Statements(cut)
  for (const row of cut.statements.values()) statements.addMonth(row)
  for (const row of cut.statementPeople.values()) statements.addPerson(row)
  for (const row of cut.histories) statements.addRow(row)
  yield* statements.end()
}
