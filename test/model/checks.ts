/** Everything that must hold of a history once it is quiet. Each finding begins with the name of its check. */
import type { Clients } from './clients.ts'
import type { Cluster } from './cluster.ts'
import { compareLog } from './compare-log.ts'
import type { History } from './history.ts'

export type Checked = { readonly history: History; readonly cluster: Cluster; readonly clients: Clients }

export function checkAll({ history, cluster, clients }: Checked): string[] {
  const { maxIdempotencyKeys } = history.settings
  return [...compareLog({ cluster, clients, maxIdempotencyKeys })]
}
