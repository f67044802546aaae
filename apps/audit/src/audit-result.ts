/** The result of the command: its exit code and its output. */
import type { Cluster } from '@streampay/kafka'
import { type AuditOptions, auditLog } from './audit-log.ts'
import { UndecidableError } from './errors.ts'
import { report } from './report.ts'

export const exitCodes = { clean: 0, violated: 1, undecidable: 2, unreadable: 3 } as const

export type AuditResult = { readonly code: (typeof exitCodes)[keyof typeof exitCodes]; readonly text: string }

export async function auditResult(cluster: Cluster, options: AuditOptions): Promise<AuditResult> {
  try {
    const audit = await auditLog(cluster, options)
    return { code: audit.findings.count === 0 ? exitCodes.clean : exitCodes.violated, text: report(audit) }
  } catch (error) {
    return failureResult(error)
  }
}

export function failureResult(error: unknown): AuditResult {
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof UndecidableError) return { code: exitCodes.undecidable, text: `undecidable: ${message}` }
  return { code: exitCodes.unreadable, text: `unreadable: ${message}` }
}
