import { describe, expect, it } from 'vitest'
import { topicNamed, topicNames, topics } from '../src/index.ts'

describe('the one list of topics', () => {
  it('names each topic once, by a name that Kafka accepts', () => {
    expect(new Set(topics.map((topic) => topic.name)).size).toBe(topics.length)
    for (const { name } of topics) expect(name).toMatch(/^[a-z][a-z0-9-]{0,248}$/)
  })

  it('gives all topics of one topology the same number of partitions', () => {
    for (const topology of ['payments', 'statistics'] as const) {
      const counts = topics.filter((topic) => topic.coPartitionedIn.includes(topology)).map((topic) => topic.partitions)
      expect(new Set(counts).size).toBe(1)
    }
  })

  it('keeps the ledger without a limit, and gives records from outside the time of the log', () => {
    for (const name of [topicNames.transactions, topicNames.balanceHistories]) {
      expect(topicNamed(name).config).toMatchObject({
        'cleanup.policy': 'delete',
        'retention.ms': '-1',
        'retention.bytes': '-1',
      })
    }
    for (const name of [topicNames.commands, topicNames.users, topicNames.replies]) {
      expect(topicNamed(name).config['message.timestamp.type']).toBe('LogAppendTime')
    }
  })

  it('has every public topic, and refuses a typo', () => {
    for (const name of Object.values(topicNames)) expect(topicNamed(name).name).toBe(name)
    expect(() => topicNamed('comands')).toThrow('comands')
  })
})
