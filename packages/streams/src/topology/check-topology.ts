/** Finds every contradiction in a topology before the log is used, so that a typo is reported as one clear sentence at start. */
import { StreamsError } from '../errors.ts'
import { changelogOf, positionsChangelog } from './names.ts'
import type { Topology } from './topology.ts'

/**
 * Finds every contradiction of a topology, in names, sources, changelogs and expiries. `runTopology` and the test driver
 * call it first.
 * @throws StreamsError STREAMS_TOPOLOGY_INVALID that lists all problems.
 */
export function checkTopology(topology: Topology): void {
  const problems = [
    ...nameProblems(topology),
    ...sourceProblems(topology),
    ...changelogProblems(topology),
    ...expiryProblems(topology),
    ...punctuatorProblems(topology),
    ...endOfBatchProblems(topology),
  ]
  if (problems.length === 0) return
  throw new StreamsError(
    'STREAMS_TOPOLOGY_INVALID',
    `The topology of "${topology.applicationId}" is invalid: ${problems.join('; ')}.`,
  )
}

/** Kafka's rule for topic names; the application id must follow it too, because topics are named after it. */
const legalName = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/

/** Store names are also names of tables in the local store; expiring entries have a second table with `.times` appended. */
const legalTable = /^(?!.*\.times$)[a-z0-9._-]{1,100}$/

function nameProblems(topology: Topology): string[] {
  const { applicationId, sources, stores, tables, sinks, deadLetterTopic, setAsideTopic } = topology
  const topics = [
    ...sources.map((source) => source.topic),
    ...stores.map((store) => changelogOf(applicationId, store)),
    ...tables.map((table) => table.topic),
    ...sinks.map((sink) => sink.topic),
    ...(deadLetterTopic === undefined ? [] : [deadLetterTopic]),
    ...(setAsideTopic === undefined ? [] : [setAsideTopic]),
  ]
  return [
    ...(legalName.test(applicationId) ? [] : [`"${applicationId}" cannot be the prefix of topic names`]),
    ...topics.filter((name) => !legalName.test(name)).map((name) => `"${name}" is not a legal topic name`),
    ...[...stores, ...tables]
      .filter(({ name }) => !legalTable.test(name))
      .map(
        ({ name }) =>
          `"${name}" is not a name for a store or table: a–z, 0–9, ".", "_" and "-", without ".times" at its end`,
      ),
    ...repeated(sources.map((s) => s.topic)).map((topic) => `topic "${topic}" is a source twice`),
    ...repeated(stores.map((s) => s.name)).map((name) => `there are two stores named "${name}"`),
    ...repeated(tables.map((t) => t.name)).map((name) => `there are two global tables named "${name}"`),
    ...repeated(sinks.map((s) => s.topic)).map((topic) => `topic "${topic}" is a sink twice`),
  ]
}

function sourceProblems({ sources, sinks, deadLetterTopic }: Topology): string[] {
  const problems: string[] = []
  if (sources.length === 0) problems.push('it has no source')
  for (const source of sources) {
    if (!Number.isSafeInteger(source.priority)) problems.push(`the priority of "${source.topic}" is not an integer`)
    if (source.lingerMs !== undefined && !(Number.isSafeInteger(source.lingerMs) && source.lingerMs >= 0)) {
      problems.push(`lingerMs of "${source.topic}" is not a whole number of milliseconds from 0 on`)
    }
    if (source.internal === true && !sinks.some((sink) => sink.topic === source.topic)) {
      problems.push(`"${source.topic}" is an internal source but not among the sinks, so no task writes it`)
    }
    if (source.internal === true && source.onError === 'dead-letter') {
      problems.push(`"${source.topic}" is internal: its records are never skipped, so onError must be "stop"`)
    }
    if (source.onError === 'dead-letter' && deadLetterTopic === undefined) {
      problems.push(`"${source.topic}" dead-letters its failures, but no deadLetterTopic is named`)
    }
    if (source.onDeadLetter !== undefined && source.onError === 'stop') {
      problems.push(`"${source.topic}" has onDeadLetter, but onError is "stop"`)
    }
    if (source.topic === deadLetterTopic) problems.push(`"${source.topic}" is both a source and the dead-letter topic`)
  }
  return problems
}

/** A changelog is restored as it is: a second writer of it, or of the positions, would corrupt a store. */
function changelogProblems({ applicationId, stores, sinks, sources, deadLetterTopic }: Topology): string[] {
  const changelogs = [positionsChangelog(applicationId), ...stores.map((store) => changelogOf(applicationId, store))]
  return [
    ...repeated(changelogs).map((topic) => `changelog "${topic}" belongs to two stores`),
    ...changelogs
      .filter((topic) => sinks.some((sink) => sink.topic === topic) || topic === deadLetterTopic)
      .map((topic) => `"${topic}" is a changelog and a sink: only its store may write it`),
    ...changelogs
      .filter((topic) => sources.some((source) => source.topic === topic))
      .map((topic) => `"${topic}" is a changelog and a source: a task would react to its own state`),
  ]
}

function expiryProblems({ stores, sources }: Topology): string[] {
  return stores.flatMap(({ name, expires }) => {
    if (expires === undefined) return []
    const { afterMs, retentionMs, timeOf } = expires
    const isKnown = timeOf === undefined || sources.some(({ topic }) => topic === timeOf)
    return [
      ...(Number.isSafeInteger(afterMs) && afterMs > 0
        ? []
        : [`entries of "${name}" expire after ${afterMs} ms, which is not a positive integer`]),
      ...(Number.isSafeInteger(retentionMs) && retentionMs >= afterMs
        ? []
        : [`the changelog of "${name}" is kept for ${retentionMs} ms, but its entries live for ${afterMs} ms`]),
      ...(isKnown ? [] : [`entries of "${name}" expire by the time of "${timeOf}", which is not among the sources`]),
    ]
  })
}

function punctuatorProblems({ punctuators = [] }: Topology): string[] {
  return punctuators
    .filter(({ everyMs }) => !Number.isSafeInteger(everyMs) || everyMs <= 0)
    .map(({ everyMs }) => `a punctuator runs every ${everyMs} ms, which is not a positive integer`)
}

function endOfBatchProblems({ endOfBatch, sinks, stores }: Topology): string[] {
  if (endOfBatch === undefined || sinks.length > 0 || stores.length > 0) return []
  return ['it has endOfBatch, but neither sinks nor stores that it could write']
}

function repeated(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))]
}
