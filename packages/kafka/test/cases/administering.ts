/** The admin. */
import { describe, expect, it } from 'vitest'
import { openProducer } from '../../src/index.ts'
import { clientsOf, uniqueName } from '../support/clients.ts'
import type { LogUnderTest } from '../support/log-under-test.ts'

export function administeringCases(theLog: () => LogUnderTest): void {
  describe('an admin', () => {
    it('creates, describes, lists and deletes topics', async () => {
      const { admin } = clientsOf(theLog())
      const name = uniqueName('topic')
      const wanted = { name, partitions: 3, configs: { 'cleanup.policy': 'compact', 'retention.ms': '-1' } }
      expect(await admin.createTopics([wanted])).toEqual([{ name, created: true }])
      expect(await admin.createTopics([wanted])).toEqual([{ name, created: false }])
      expect(await admin.listTopics()).toContain(name)
      const [description] = await admin.describeTopics([name, 'nowhere'])
      expect(description?.partitions.map(({ partition }) => partition)).toEqual([0, 1, 2])
      expect(description?.topicId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-/)
      expect(description?.configs).toMatchObject(wanted.configs)
      expect(await admin.describeConfigs(name)).toMatchObject(wanted.configs)
      await admin.deleteTopics([name])
      // The controller has answered; the broker that is asked may not know it yet.
      await expect.poll(() => admin.describeTopics([name])).toEqual([])
      await expect(admin.deleteTopics([name])).rejects.toMatchObject({ brokerError: 'UNKNOWN_TOPIC_OR_PARTITION' })
    })

    it('refuses configurations that are unknown to the log', async () => {
      const { admin } = clientsOf(theLog())
      const topic = { name: uniqueName('topic'), partitions: 1, configs: { 'cleanup.policy': 'sometimes' } }
      await expect(admin.createTopics([topic])).rejects.toMatchObject({ brokerError: 'INVALID_CONFIG' })
    })

    it('finds offsets by time', async () => {
      const { cluster, topic, admin } = clientsOf(theLog())
      const name = await topic(1)
      const producer = openProducer(cluster)
      for (const timestamp of [1000, 2000, 3000]) {
        await producer.send([{ topic: name, key: null, value: 'x', timestamp }])
      }
      const partition = { topic: name, partition: 0 }
      const at = async (timestamp: number) => (await admin.listOffsets([partition], { timestamp }))[0]
      expect(await at(0)).toEqual({ ...partition, offset: 0, timestamp: 1000 })
      expect(await at(1500)).toEqual({ ...partition, offset: 1, timestamp: 2000 })
      expect(await at(3000)).toEqual({ ...partition, offset: 2, timestamp: 3000 })
      expect(await at(3001)).toEqual({ ...partition, offset: -1, timestamp: -1 })
      expect((await admin.listOffsets([partition], 'earliest'))[0]?.offset).toBe(0)
      expect((await admin.listOffsets([partition], 'latest'))[0]?.offset).toBe(3)
    })

    it('deletes records before an offset, and no others', async () => {
      const { cluster, topic, admin } = clientsOf(theLog())
      const name = await topic(2)
      const producer = openProducer(cluster)
      for (const value of ['a', 'b', 'c', 'd']) {
        await producer.send([0, 1].map((partition) => ({ topic: name, partition, key: null, value })))
      }
      const first = { topic: name, partition: 0 }
      const second = { topic: name, partition: 1 }
      const starts = async () => (await admin.listOffsets([first, second], 'earliest')).map(({ offset }) => offset)
      const deleting = [
        { ...first, beforeOffset: 3 },
        { ...second, beforeOffset: 0 },
      ]
      expect(await admin.deleteRecords(deleting)).toEqual([
        { ...first, logStart: 3 },
        { ...second, logStart: 0 },
      ])
      expect(await starts()).toEqual([3, 0])
      expect(await admin.deleteRecords([{ ...first, beforeOffset: 1 }])).toEqual([{ ...first, logStart: 3 }])
      // An offset after the end can't be deleted; the other partition is done nevertheless.
      const past = [
        { ...first, beforeOffset: 5 },
        { ...second, beforeOffset: 4 },
      ]
      await expect(admin.deleteRecords(past)).rejects.toMatchObject({ brokerError: 'OFFSET_OUT_OF_RANGE' })
      expect(await starts()).toEqual([3, 4])
      await expect(admin.deleteRecords([{ ...first, beforeOffset: -1 }])).rejects.toMatchObject({
        code: 'KAFKA_INVALID_ARGUMENT',
      })
    })

    it('lists the open transactions, since when, and from which offset on they hold a partition back', async () => {
      const { admin, topic, transactional } = clientsOf(theLog())
      const name = await topic(2)
      const id = uniqueName('open')
      const producer = await transactional({ transactionalId: id, transactionTimeoutMs: 20_000 })
      const [first, second] = [0, 1].map((partition) => ({ topic: name, partition }))
      const ids = async (states?: readonly string[]) =>
        (await admin.listTransactions(states)).filter(({ transactionalId }) => transactionalId === id)
      producer.begin()
      await producer.send([{ topic: name, partition: 0, key: null, value: 'committed' }])
      await producer.commit()
      const before = Date.now()
      producer.begin()
      await producer.send([{ topic: name, partition: 0, key: null, value: 'open' }])
      const [listed] = await ids(['Ongoing'])
      expect(listed).toMatchObject({ transactionalId: id, state: 'Ongoing' })
      const [described] = await admin.describeTransactions([id, uniqueName('nobody')])
      expect(described).toMatchObject({ ...listed, timeoutMs: 20_000, partitions: [first] })
      // Clocks of log and test are those of one machine, or nearly.
      expect(Math.abs((described?.startedAt ?? 0) - before)).toBeLessThan(10_000)
      const producers = await admin.describeProducers([first, second].flatMap((one) => one ?? []))
      // The record and the mark of the first transaction come before.
      expect(producers).toMatchObject([{ ...first, producerId: listed?.producerId, transactionStart: 2 }])
      expect(producers[0]?.lastTimestamp).toBeGreaterThan(0)
      await producer.abort()
      expect(await ids(['Ongoing'])).toEqual([])
      expect(await ids()).toHaveLength(1)
      // Apache Kafka writes the marks after it has answered.
      const start = async () => (await admin.describeProducers([{ topic: name, partition: 0 }]))[0]?.transactionStart
      await expect.poll(start).toBe(-1)
    })

    it('returns the sizes of a topic’s replicas', async () => {
      const { cluster, topic, admin } = clientsOf(theLog())
      const name = await topic(2)
      const value = 'x'.repeat(10_000)
      await openProducer(cluster).send([{ topic: name, partition: 1, key: null, value }])
      const sizes = async () =>
        (await admin.replicaSizes()).filter((size) => size.topic === name).sort((a, b) => a.partition - b.partition)
      const [nodeId] = await cluster.nodes()
      // A broker makes the folder of a partition some time after the partition is known.
      await expect
        .poll(async () => (await sizes()).map(({ partition, node }) => [partition, node]))
        .toEqual([
          [0, nodeId],
          [1, nodeId],
        ])
      const [empty, written] = await sizes()
      expect(empty?.bytes).toBe(0)
      expect(written?.bytes).toBeGreaterThan(10_000)
    })

    it('describes groups that do not exist as dead', async () => {
      const { admin } = clientsOf(theLog())
      const groupId = uniqueName('nobody')
      expect(await admin.describeGroups([groupId])).toMatchObject([{ groupId, state: 'Dead', members: [] }])
      expect(await admin.committedOffsets(groupId, [{ topic: 'nowhere', partition: 0 }])).toEqual([
        { topic: 'nowhere', partition: 0, offset: -1, metadata: '' },
      ])
      expect(await admin.groupOffsets(groupId)).toEqual([])
    })
  })
}
