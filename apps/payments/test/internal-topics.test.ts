import { applicationIds, topicNamed, topics } from '@streampay/domain'
import { checkTopology, internalTopics, type Topology } from '@streampay/streams'
import { describe, expect, it } from 'vitest'
import { paymentsTopology, statisticsTopology } from '../src/index.ts'

describe('the list of topics', () => {
  const topologies: [keyof typeof applicationIds, Topology][] = [
    ['payments', paymentsTopology()],
    ['statistics', statisticsTopology()],
  ]

  it.each(topologies)('holds exactly the changelogs that the %s topology needs', (name, topology) => {
    checkTopology(topology)
    const listed = topics.filter(
      (topic) => topic.name.startsWith(applicationIds[name]) && topic.name.endsWith('-changelog'),
    )
    const needed = internalTopics(topology, 4)
    expect(listed.map((topic) => topic.name).sort()).toEqual(needed.map((topic) => topic.name).sort())
    for (const topic of needed) {
      expect(topicNamed(topic.name)).toMatchObject({ partitions: topic.partitions, config: topic.config })
    }
  })

  it.each(topologies)(
    'names every topic of the %s topology, co-partitioned where a task is made of it',
    (name, topology) => {
      const used = [
        ...topology.sources.map((source) => source.topic),
        ...topology.sinks.map(({ topic }) => topic),
        ...topology.tables.map((table) => table.topic),
        ...topology.stores.flatMap((store) => store.changelog ?? []),
      ]
      for (const topic of used) expect(topicNamed(topic).partitions).toBeGreaterThan(0)
      for (const topic of [
        ...topology.sources.map((s) => s.topic),
        ...topology.stores.flatMap((s) => s.changelog ?? []),
      ]) {
        expect(topicNamed(topic).coPartitionedIn).toContain(name)
      }
    },
  )
})
