/**
 * What may be open at once, of what the system allows the process: files of the log, and connections. What is left is for the
 * journal and Node itself. A process that reaches its limit can't write any more, and would have to end.
 */
const share = 3 / 8
const most = 4096
const least = 8
/** Where the system doesn't tell (Windows has no such limit). */
const untold = 4096

export type DescriptorBudget = { readonly files: number; readonly connections: number }

/** Asked for once: it doesn't change while the process runs. */
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
  // The network's interfaces have nothing to do with it, and asking for them may take seconds.
  Object.assign(process.report, { excludeNetwork: true })
  const report = process.report.getReport() as { readonly userLimits?: { readonly open_files?: { soft?: unknown } } }
  const limit = Number(report.userLimits?.open_files?.soft)
  return Number.isFinite(limit) ? limit : untold
}
