import { expect, describe as group, it } from 'vitest'
import { checkTopology, describe, type StoreDefinition, type Topology } from '../../src/index.ts'
import { bankTopology, json } from '../support/bank.ts'

const sink = (topic: string) => ({ topic, value: json() })

const store = (name: string, changelog?: string): StoreDefinition => ({
  name,
  value: json<unknown>(),
  ...(changelog === undefined ? {} : { changelog }),
})
const source = (topic: string, changes: Partial<Topology['sources'][number]> = {}): Topology['sources'][number] => ({
  topic,
  priority: 0,
  onError: 'stop',
  process: () => undefined,
  ...changes,
})
const bank = bankTopology()

group('checkTopology', () => {
  it('accepts a correct topology', () => {
    expect(() => checkTopology(bank)).not.toThrow()
  })

  const faults: [name: string, changes: Partial<Topology>, problem: string][] = [
    ['no source', { sources: [] }, 'it has no source'],
    [
      'an application id that topics cannot be named after',
      { applicationId: 'a b' },
      '"a b" cannot be the prefix of topic names',
    ],
    ['an illegal topic name', { sinks: [sink('..'), sink('transfers')] }, '".." is not a legal topic name'],
    ['a source twice', { sources: [source('a'), source('a')] }, 'topic "a" is a source twice'],
    ['two stores of one name', { stores: [store('s', 'x'), store('s', 'y')] }, 'two stores named "s"'],
    [
      'a store that is named as the times of another',
      { stores: [store('s', 'x'), store('s.times', 'y')] },
      '"s.times" is not a name for a store',
    ],
    ['two tables of one name', { tables: [...bank.tables, ...bank.tables] }, 'two global tables named "owners"'],
    [
      'an end of batch that can write nothing',
      { endOfBatch: () => undefined, sinks: [], stores: [] },
      'it has endOfBatch, but neither sinks nor stores',
    ],
    ['a sink twice', { sinks: [sink('transfers'), sink('transfers')] }, 'topic "transfers" is a sink twice'],
    ['a fractional priority', { sources: [source('a', { priority: 0.5 })] }, 'the priority of "a" is not an integer'],
    [
      'a source that lingers for no time',
      { sources: [source('a', { lingerMs: -1 })] },
      'lingerMs of "a" is not a whole number of milliseconds from 0 on',
    ],
    [
      'an internal source without a writer',
      { sources: [source('a', { internal: true })] },
      '"a" is an internal source but not among the sinks',
    ],
    [
      'an internal source that is dead-lettered',
      { sources: [source('transfers', { internal: true, onError: 'dead-letter' })] },
      '"transfers" is internal',
    ],
    [
      'dead letters without a topic',
      { sources: [source('a', { onError: 'dead-letter' })], deadLetterTopic: undefined as unknown as string },
      'no deadLetterTopic is named',
    ],
    [
      'onDeadLetter where nothing is dead-lettered',
      { sources: [source('a', { onDeadLetter: () => undefined })] },
      '"a" has onDeadLetter',
    ],
    [
      'a dead-letter topic that is a source',
      { sources: [source('dead-letters')] },
      'both a source and the dead-letter topic',
    ],
    [
      'one changelog for two stores',
      { stores: [store('a', 'log'), store('b', 'log')] },
      'changelog "log" belongs to two stores',
    ],
    [
      'the positions changelog as a store’s',
      { stores: [store('positions')] },
      '"bank-positions-changelog" belongs to two stores',
    ],
    ['a changelog as sink', { stores: [store('s', 'replies')] }, '"replies" is a changelog and a sink'],
    ['a changelog as source', { stores: [store('s', 'owners')] }, '"owners" is a changelog and a source'],
    [
      'a punctuator of no interval',
      { punctuators: [{ everyMs: 0, run: () => undefined }] },
      'a punctuator runs every 0 ms',
    ],
  ]
  it.each(faults)('refuses %s', (_, changes, problem) => {
    expect(() => checkTopology({ ...bank, ...changes })).toThrow(problem)
  })

  it('names every problem at once', () => {
    const broken = { ...bank, sources: [source('a'), source('a')], sinks: [sink('x'), sink('x')] }
    expect(() => checkTopology(broken)).toThrow(
      'The topology of "bank" is invalid: topic "a" is a source twice; topic "x" is a sink twice.',
    )
  })
})

group('describe', () => {
  it('describes a topology as text', () => {
    expect(describe(bank).text).toBe(`Topology bank
  Sources, in the order of processing:
    0. owners (failures are dead-lettered)
    1. transfers (a failure stops the task, internal, also a sink)
    2. commands (failures are dead-lettered)
  Stores:
    accounts → changelog bank-accounts-changelog
  Global tables:
    owners ← owners
  Sinks:
    transfers
    replies
  Dead letters:
    dead-letters
  Input offsets:
    bank-positions-changelog
`)
  })

  it('draws it for Mermaid, each topic once', () => {
    expect(describe(bank, { numStandbyReplicas: 1 }).text).toContain('Standbys:\n    1 of each task')
    const { mermaid } = describe(bank)
    expect(mermaid.startsWith('flowchart LR\n')).toBe(true)
    expect(mermaid.match(/\["transfers"\]/g)).toHaveLength(1)
    expect(mermaid).toContain('t1 -->|1| task')
    expect(mermaid).toContain('task --> t1')
  })
})
