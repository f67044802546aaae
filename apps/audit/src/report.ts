/** What the audit prints: one line for each invariant, then the findings, each with its record's coordinates. */
import { creditsInFlight } from './accounts.ts'
import type { Finding, LogCut } from './cut.ts'

const statements: Readonly<Record<Finding['invariant'], string>> = {
  'INV-1': 'conservation: the entries of every transfer sum to zero',
  'INV-2': 'no account but the treasury is negative',
  'INV-3': 'every command took effect once; acknowledged payments are on the ledger',
  'INV-4': 'balances and histories equal the fold of the ledger',
  'INV-5': 'requests are settled at most once, by their debtor, for their amount',
  'INV-7': 'totals and activities equal the fold of the ledger',
}

const maxFindingsShown = 50

export function report(cut: LogCut, findings: readonly Finding[]): string {
  const inFlight = creditsInFlight(cut)
  const lines = [
    `${cut.transactions.length} entries, ${cut.balances.size} accounts, ${cut.requests.size} requests, ` +
      `${cut.replies.length} acknowledged payments on replies, ${inFlight.count} credits in flight (${inFlight.amount} cents)`,
  ]
  for (const [invariant, statement] of Object.entries(statements)) {
    const count = findings.filter((finding) => finding.invariant === invariant).length
    lines.push(`${invariant} ${count === 0 ? 'holds   ' : `VIOLATED (${count})`} ${statement}`)
  }
  for (const finding of findings.slice(0, maxFindingsShown)) {
    lines.push(`${finding.invariant}: ${finding.message}${finding.record === undefined ? '' : ` [${finding.record}]`}`)
  }
  if (findings.length > maxFindingsShown) lines.push(`… and ${findings.length - maxFindingsShown} more`)
  return lines.join('\n')
}
