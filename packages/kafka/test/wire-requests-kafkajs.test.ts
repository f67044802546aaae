/** An independent witness for the request layouts: what kafkajs writes is what we read. */
import { createRequire } from 'node:module'
import { describe, expect, test } from 'vitest'
import { type ApiName, apis } from '../src/wire/index.ts'

type Untyped = { decodeRequest(version: number, bytes: Buffer): unknown }
const untyped = (name: ApiName) => apis[name] as unknown as Untyped

const producer = { transactionalId: 'tx', producerId: 4_000_000_000, producerEpoch: 7 }
const metadata = Buffer.from('subscription')
type KafkajsRequest = (args: unknown) => { encode(): Promise<{ buffer: Buffer }> }
const requireFromHere = createRequire(import.meta.url)
const offsets = [{ topic: 't', partitions: [{ partition: 2, offset: '9', metadata: 'x' }] }]
const readOffsets = [{ name: 't', partitions: [{ partitionIndex: 2, committedOffset: 9, committedMetadata: 'x' }] }]
const transaction = { ...producer, producerId: '4000000000' }

/** What kafkajs writes of `args` in these versions, and what we must read. */
const fromKafkajs: ReadonlyArray<
  readonly [name: ApiName, versions: readonly [number, number], args: object, expected: object]
> = [
  ['metadata', [1, 6], { topics: ['a', 'b'] }, { topics: [{ name: 'a' }, { name: 'b' }] }],
  [
    'fetch',
    [4, 11],
    {
      replicaId: -1,
      maxWaitTime: 5,
      minBytes: 1,
      maxBytes: 1000,
      isolationLevel: 1,
      topics: [{ topic: 't', partitions: [{ partition: 3, fetchOffset: '5000000000', maxBytes: 99 }] }],
    },
    {
      maxWaitMs: 5,
      isolationLevel: 1,
      topics: [{ topic: 't', partitions: [{ partition: 3, fetchOffset: 5_000_000_000, partitionMaxBytes: 99 }] }],
    },
  ],
  [
    'listOffsets',
    [2, 3],
    { replicaId: -1, isolationLevel: 1, topics: [{ topic: 't', partitions: [{ partition: 1, timestamp: '-2' }] }] },
    { topics: [{ name: 't', partitions: [{ partitionIndex: 1, timestamp: -2 }] }] },
  ],
  [
    'offsetCommit',
    [2, 5],
    { groupId: 'g', groupGenerationId: 4, memberId: 'm', retentionTime: '-1', topics: offsets },
    { groupId: 'g', generationIdOrMemberEpoch: 4, memberId: 'm', topics: readOffsets },
  ],
  [
    'offsetFetch',
    [1, 4],
    { groupId: 'g', topics: [{ topic: 't', partitions: [{ partition: 1 }] }] },
    { groupId: 'g', topics: [{ name: 't', partitionIndexes: [1] }] },
  ],
  ['findCoordinator', [1, 2], { coordinatorKey: 'k', coordinatorType: 1 }, { key: 'k', keyType: 1 }],
  [
    'joinGroup',
    [1, 5],
    {
      groupId: 'g',
      sessionTimeout: 1,
      rebalanceTimeout: 2,
      memberId: 'm',
      protocolType: 'consumer',
      groupProtocols: [{ name: 'range', metadata }],
    },
    {
      groupId: 'g',
      sessionTimeoutMs: 1,
      rebalanceTimeoutMs: 2,
      memberId: 'm',
      protocols: [{ name: 'range', metadata }],
    },
  ],
  [
    'syncGroup',
    [0, 3],
    { groupId: 'g', generationId: 1, memberId: 'm', groupAssignment: [{ memberId: 'm', memberAssignment: metadata }] },
    { groupId: 'g', generationId: 1, memberId: 'm', assignments: [{ memberId: 'm', assignment: metadata }] },
  ],
  [
    'heartbeat',
    [0, 3],
    { groupId: 'g', groupGenerationId: 1, memberId: 'm', groupInstanceId: null },
    { groupId: 'g', generationId: 1, memberId: 'm' },
  ],
  ['leaveGroup', [0, 2], { groupId: 'g', memberId: 'm' }, { groupId: 'g', memberId: 'm' }],
  [
    'leaveGroup',
    [3, 3],
    { groupId: 'g', members: [{ memberId: 'm' }] },
    { groupId: 'g', members: [{ memberId: 'm' }] },
  ],
  [
    'createTopics',
    [1, 3],
    {
      timeout: 5,
      validateOnly: true,
      topics: [{ topic: 't', numPartitions: 3, replicationFactor: 1, configEntries: [{ name: 'a', value: 'b' }] }],
    },
    {
      timeoutMs: 5,
      validateOnly: true,
      topics: [{ name: 't', numPartitions: 3, configs: [{ name: 'a', value: 'b' }] }],
    },
  ],
  ['deleteTopics', [0, 1], { topics: ['t'], timeout: 5 }, { topicNames: ['t'], timeoutMs: 5 }],
  [
    'initProducerId',
    [0, 1],
    { transactionalId: 'tx', transactionTimeout: 5 },
    { transactionalId: 'tx', transactionTimeoutMs: 5 },
  ],
  [
    'addPartitionsToTxn',
    [0, 1],
    { ...transaction, topics: [{ topic: 't', partitions: [1, 2] }] },
    { ...producer, topics: [{ name: 't', partitions: [1, 2] }] },
  ],
  ['addOffsetsToTxn', [0, 1], { ...transaction, groupId: 'g' }, { ...producer, groupId: 'g' }],
  ['endTxn', [0, 1], { ...transaction, transactionResult: true }, { ...producer, committed: true }],
  [
    'txnOffsetCommit',
    [0, 1],
    { ...transaction, groupId: 'g', topics: offsets },
    { ...producer, groupId: 'g', topics: readOffsets },
  ],
  [
    'describeConfigs',
    [0, 2],
    { resources: [{ type: 2, name: 't', configNames: ['a'] }] },
    { resources: [{ resourceType: 2, resourceName: 't', configurationKeys: ['a'] }] },
  ],
  [
    'alterConfigs',
    [0, 1],
    { validateOnly: false, resources: [{ type: 2, name: 't', configEntries: [{ name: 'a', value: 'b' }] }] },
    { resources: [{ resourceType: 2, resourceName: 't', configs: [{ name: 'a', value: 'b' }] }] },
  ],
  [
    'createPartitions',
    [0, 1],
    { topicPartitions: [{ topic: 't', count: 5 }], timeout: 5 },
    { topics: [{ name: 't', count: 5 }] },
  ],
  [
    'deleteRecords',
    [0, 1],
    { topics: [{ topic: 't', partitions: [{ partition: 1, offset: '5' }] }] },
    { topics: [{ name: 't', partitions: [{ partitionIndex: 1, offset: 5 }] }] },
  ],
]

describe('requests', () => {
  test.each(fromKafkajs)('%s is read in all versions as kafkajs writes it', async (name, versions, args, expected) => {
    for (let version = versions[0]; version <= versions[1]; version++) {
      const write = requireFromHere(`kafkajs/src/protocol/requests/${name}/v${version}/request.js`) as KafkajsRequest
      const { buffer } = await write(args).encode()
      expect(untyped(name).decodeRequest(version, buffer), `v${version}`).toMatchObject(expected)
    }
  })
})
