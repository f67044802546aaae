import type { Files } from './files.ts'
import type { LogPartition } from './partition.ts'
import type { MaintenanceReport, StorageLogger } from './types.ts'

export type MaintenanceRound = {
  readonly partitions: readonly LogPartition[]
  readonly now: number
  readonly files: Files
  readonly logger: StorageLogger
  readonly checkpoint: () => Promise<void>
}

export async function maintainPartitions(_round: MaintenanceRound): Promise<MaintenanceReport> {
  return { segmentsDeleted: 0, partitionsCompacted: 0 }
}
