/** Names that follow from an application id, as in Kafka Streams, and the list of topics a topology needs for itself. */
import type { StoreDefinition, Topology } from './topology.ts'

export type InternalTopic = {
  readonly name: string
  readonly partitions: number
  readonly config: Readonly<Record<string, string>>
}

/** The topic whose partition p holds the input offsets of task p, written in the same transaction as its changelogs. */
export function positionsChangelog(applicationId: string): string {
  return `${applicationId}-positions-changelog`
}

export function changelogOf(applicationId: string, store: StoreDefinition): string {
  return store.changelog ?? `${applicationId}-${store.name}-changelog`
}

/** Both the static group member and the transactional id of a process: one name for one writer. */
export function slotName(applicationId: string, slot: number): string {
  return `${applicationId}-slot-${slot}`
}

/**
 * The topics that the runtime needs beside those that the application names itself: the positions changelog and the
 * changelogs with default names. The application creates them together with its own; the runtime only checks them.
 */
export function internalTopics(topology: Topology, partitions: number): InternalTopic[] {
  const names = topology.stores
    .filter((s) => s.changelog === undefined)
    .map((s) => changelogOf(topology.applicationId, s))
  return [positionsChangelog(topology.applicationId), ...names].map((name) => ({
    name,
    partitions,
    config: { 'cleanup.policy': 'compact' },
  }))
}
