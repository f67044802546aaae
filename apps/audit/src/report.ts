/** What the audit prints: one line for each invariant, then the findings, each with its record's coordinates. */
import type { Audit } from './audit-log.ts'
import type { Finding } from './cut.ts'
import { placeOf } from './set-aside.ts'

const statements: ReadonlyArray<readonly [Finding['invariant'], string]> = [
  ['INV-1', 'conservation: the entries of every transfer sum to zero'],
  ['INV-2', 'no account except the treasury is negative'],
  ['INV-3', 'every command took effect once; acknowledged payments are on the ledger'],
  ['INV-4', 'balances and histories equal the fold of the ledger'],
  ['INV-5', 'requests are settled at most once, by their debtor, for their amount'],
  ['INV-7', 'statements equal the fold of the ledger; totals and activities equal the fold of its public part'],
]

export function report({ findings, figures, accounts, requests, acknowledged, setAside }: Audit): string {
  const { inFlight } = figures
  const lines = [
    `${figures.entries} entries, ${accounts} accounts, ${requests} requests, ` +
      `${acknowledged} acknowledged payments on replies, ${inFlight.count} credits in flight (${inFlight.amount} cents)`,
  ]
  for (const note of setAside) {
    lines.push(`set aside by an operator, and not counted: ${placeOf(note)} (${note.reason})`)
  }
  for (const [invariant, statement] of statements) {
    const count = findings.countOf(invariant)
    lines.push(`${invariant} ${count === 0 ? 'holds   ' : `VIOLATED (${count})`} ${statement}`)
  }
  for (const finding of findings.kept) {
    lines.push(`${finding.invariant}: ${finding.message}${finding.record === undefined ? '' : ` [${finding.record}]`}`)
  }
  if (findings.count > findings.kept.length) lines.push(`… and ${findings.count - findings.kept.length} more`)
  return lines.join('\n')
}
