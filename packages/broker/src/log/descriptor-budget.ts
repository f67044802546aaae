/**
 * How many of the process's descriptors may be open at once for files of the log and for connections. The rest is for the
 * journal and Node itself. A process that reaches its limit can't write any more, and would have to end.
 */
const share = 3 / 8
const most = 4096
const least = 8
/** The value if the system doesn't report one (Windows has no such limit). */
const untold = 4096

export type DescriptorBudget = { readonly files: number; readonly connections: number }

/** Read only once: it doesn't change while the process runs. */
let known: number | undefined

export function descriptorBudget(limit: number = knownLimit()): DescriptorBudget {
  const each = Math.max(least, Math.floor(limit * share))
  return { files: Math.min(most, each), connections: each }
}

function knownLimit(): number {
  known ??= descriptorLimit()
  return known
}

function descriptorLimit(): number {
  if (process.platform === 'win32') return untold
  // The network interfaces are not needed, and listing them may take seconds.
  Object.assign(process.report, { excludeNetwork: true })
  const report = process.report.getReport() as { readonly userLimits?: { readonly open_files?: { soft?: unknown } } }
  const limit = Number(report.userLimits?.open_files?.soft)
  return Number.isFinite(limit) ? limit : untold
}
