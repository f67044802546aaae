/** All checks of a history once it is quiet. Each finding begins with the name of its check. */
import { verify } from '@streampay/audit'
import { cutOf } from './audit-cut.ts'
import { checkClients } from './client-bounds.ts'
import type { Clients } from './clients.ts'
import type { Cluster } from './cluster.ts'
import { compareLog } from './compare-log.ts'
import type { History } from './history.ts'

export type Checked = { readonly history: History; readonly cluster: Cluster; readonly clients: Clients }

export function checkAll({ history, cluster, clients }: Checked): string[] {
  const findings = compareLog({ cluster, clients, rules: history.settings.rules })
  // Work that is not finished is no fault of the others: they check only what has ended.
  if (!cluster.quiet()) return findings
  const audited = verify(cutOf(cluster)).map(({ invariant, message }) => `${invariant}: ${message}`)
  return [...findings, ...checkClients(clients.calls), ...audited]
}
