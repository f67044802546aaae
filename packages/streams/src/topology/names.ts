/** Names that are derived from an application id, as in Kafka Streams, and the list of topics that a topology needs for itself. */
import type { AnyStoreDefinition, Topology } from './topology.ts'

/** A topic that a topology needs for itself, with its settings by Kafka's names. */
export type InternalTopic = {
  readonly name: string
  /** The number of partitions: one for each task. */
  readonly partitions: number
  /** Settings by Kafka's names. */
  readonly config: Readonly<Record<string, string>>
}

/** The topic whose partition p holds the input offsets of task p, written in the same transaction as its changelogs. */
export function positionsChangelog(applicationId: string): string {
  return `${applicationId}-positions-changelog`
}

export function changelogOf(applicationId: string, store: AnyStoreDefinition): string {
  return store.changelog ?? `${applicationId}-${store.name}-changelog`
}

/** All internal topics, that of the positions included. */
export function changelogsOf({ applicationId, stores }: Topology): string[] {
  return [positionsChangelog(applicationId), ...stores.map((store) => changelogOf(applicationId, store))]
}

/** The static group member and the transactional id of a process: one name for one writer. */
export function slotName(applicationId: string, slot: number): string {
  return `${applicationId}-slot-${slot}`
}

/**
 * The topics that the runtime needs beside those that the application names itself: the positions changelog and the
 * changelogs with default names. The application creates them together with its own topics; the runtime only checks them.
 */
export function internalTopics(topology: Topology, partitions: number): InternalTopic[] {
  const ofStores = topology.stores
    .filter((store) => store.changelog === undefined)
    .map((store) => ({ name: changelogOf(topology.applicationId, store), config: changelogConfig(store) }))
  const positions = { name: positionsChangelog(topology.applicationId), config: compacted }
  return [positions, ...ofStores].map(({ name, config }) => ({ name, partitions, config }))
}

const compacted = { 'cleanup.policy': 'compact' }

/** The required settings of a changelog topic, independent of its name. */
export function changelogConfig({ expires }: AnyStoreDefinition): Readonly<Record<string, string>> {
  if (expires === undefined) return compacted
  return {
    'cleanup.policy': 'compact,delete',
    'retention.ms': String(expires.retentionMs),
    'message.timestamp.type': 'CreateTime',
  }
}
