/** A drawing of a topology from its own definition, so that it is never out of date. */
import { changelogOf, positionsChangelog } from './names.ts'
import type { AnyStoreDefinition, SourceDefinition, Topology } from './topology.ts'

/** A topology, drawn in two ways. */
export type Description = {
  /** For a terminal: an indented list of its parts. */
  readonly text: string
  /** A Mermaid flowchart. */
  readonly mermaid: string
}

/** The topology with its settings, as `runTopology` takes them. */
export type DescribeOptions = {
  /** As in `RunOptions`. Default 0. */
  readonly numStandbyReplicas?: number
}

/**
 * Draws a topology from its definition alone, without checking it.
 * @example
 * ```ts
 * import { describe, type Topology } from '@streampay/streams'
 *
 * const ignore = () => undefined
 * const topology: Topology = {
 *   applicationId: 'archive',
 *   sources: [{ topic: 'letters', priority: 0, onError: 'stop', process: ignore }],
 *   stores: [],
 *   tables: [],
 *   sinks: [],
 * }
 * console.log(describe(topology).text.split('\n').slice(0, 3).join('\n'))
 * // → Topology archive
 * // →   Sources, in the order of processing:
 * // →     0. letters (a failure stops the task)
 * ```
 */
export function describe(topology: Topology, { numStandbyReplicas = 0 }: DescribeOptions = {}): Description {
  return { text: text(topology, numStandbyReplicas), mermaid: mermaid(topology) }
}

function text(topology: Topology, numStandbyReplicas: number): string {
  const {
    applicationId,
    stores,
    tables,
    sinks,
    deadLetterTopic,
    setAsideTopic,
    punctuators = [],
    endOfBatch,
  } = topology
  const lines = [
    `Topology ${applicationId}`,
    '  Sources, in the order of processing:',
    ...byPriority(topology).map((source) => `    ${source.priority}. ${source.topic} (${traitsOf(source, topology)})`),
    ...section(
      'Stores',
      stores.map((store) => `${store.name} → changelog ${changelogOf(applicationId, store)}${expiryOf(store)}`),
    ),
    ...section(
      'Global tables',
      tables.map((table) => `${table.name} ← ${table.topic}`),
    ),
    ...section(
      'Sinks',
      sinks.map((sink) => sink.topic),
    ),
    ...section('Dead letters', deadLetterTopic === undefined ? [] : [deadLetterTopic]),
    ...section('Set aside by operators', setAsideTopic === undefined ? [] : [setAsideTopic]),
    ...section(
      'Punctuators',
      punctuators.map(({ everyMs }) => `every ${everyMs} ms of stream time`),
    ),
    ...section('At the end of a batch', endOfBatch === undefined ? [] : ['one call for each task']),
    ...section('Input offsets', [positionsChangelog(applicationId)]),
    ...section('Standbys', numStandbyReplicas === 0 ? [] : [`${numStandbyReplicas} of each task, on other processes`]),
  ]
  return `${lines.join('\n')}\n`
}

function expiryOf({ expires }: AnyStoreDefinition): string {
  if (expires === undefined) return ''
  return ` (entries expire after ${expires.afterMs} ms of ${expires.timeOf ?? 'stream'} time)`
}

function section(title: string, entries: readonly string[]): string[] {
  return entries.length === 0 ? [] : [`  ${title}:`, ...entries.map((entry) => `    ${entry}`)]
}

function traitsOf(source: SourceDefinition, { sinks }: Topology): string {
  const failure = source.onError === 'stop' ? 'a failure stops the task' : 'failures are dead-lettered'
  return [
    failure,
    ...(source.internal === true ? ['internal'] : []),
    ...(sinks.some((sink) => sink.topic === source.topic) ? ['also a sink'] : []),
  ].join(', ')
}

function byPriority({ sources }: Topology): SourceDefinition[] {
  return [...sources].sort((a, b) => a.priority - b.priority)
}

function mermaid(topology: Topology): string {
  const { applicationId, stores, tables, sinks, deadLetterTopic } = topology
  const topics = new Map<string, string>()
  const node = (topic: string) => {
    const id = topics.get(topic) ?? `t${topics.size}`
    topics.set(topic, id)
    return id
  }
  const edges = [
    ...byPriority(topology).map((source) => `${node(source.topic)} -->|${source.priority}| task`),
    ...stores.map((store, i) => `task <--> s${i}[("${store.name}")]`),
    ...stores.map((store, i) => `s${i} -.-> ${node(changelogOf(applicationId, store))}`),
    ...tables.map((table, i) => `${node(table.topic)} -.-> g${i}[("${table.name} (global)")] -.-> task`),
    ...sinks.map((sink) => `task --> ${node(sink.topic)}`),
    ...(deadLetterTopic === undefined ? [] : [`task -->|failures| ${node(deadLetterTopic)}`]),
    `task -.-> ${node(positionsChangelog(applicationId))}`,
  ]
  const nodes = [...topics].map(([topic, id]) => `${id}(["${topic}"])`)
  return ['flowchart LR', ...nodes, `task{{"${applicationId}"}}`, ...edges].join('\n  ').concat('\n')
}
