/** An independent witness for the request layouts: what @platformatic/kafka writes is what we read. */
import * as platformatic from '@platformatic/kafka'
import { describe, expect, test } from 'vitest'
import { type ApiName, apis } from '../src/wire/index.ts'

type Untyped = { decodeRequest(version: number, bytes: Buffer): unknown }
const untyped = (name: ApiName) => apis[name] as unknown as Untyped

type Witness = { readonly createRequest: (...args: unknown[]) => platformatic.Writer }
const witnesses = platformatic as unknown as Readonly<Record<string, Witness | undefined>>

const producer = { transactionalId: 'tx', producerId: 4_000_000_000, producerEpoch: 7 }
const metadata = Buffer.from('subscription')
const topic = '00112233-4455-6677-8899-aabbccddeeff'

/** What @platformatic/kafka writes of `args`, and what we must read. */
const fromPlatformatic: ReadonlyArray<readonly [name: ApiName, version: number, args: unknown[], expected: object]> = [
  ['apiVersions', 4, ['soft', '1'], { clientSoftwareName: 'soft', clientSoftwareVersion: '1' }],
  [
    'metadata',
    12,
    [['a', 'b'], false, true],
    {
      topics: [{ name: 'a' }, { name: 'b' }],
      allowAutoTopicCreation: false,
      includeTopicAuthorizedOperations: true,
    },
  ],
  ['metadata', 9, [['a'], true, false, true], { topics: [{ name: 'a' }], allowAutoTopicCreation: true }],
  ['findCoordinator', 4, [1, ['x', 'y']], { keyType: 1, coordinatorKeys: ['x', 'y'] }],
  ['initProducerId', 5, ['tx', 10_000, 4_000_000_000n, 7], { ...producer, transactionTimeoutMs: 10_000 }],
  ['addOffsetsToTxn', 4, ['tx', 4_000_000_000n, 7, 'g'], { ...producer, groupId: 'g' }],
  ['endTxn', 4, ['tx', 4_000_000_000n, 7, true], { ...producer, committed: true }],
  [
    'txnOffsetCommit',
    4,
    [
      'tx',
      'g',
      4_000_000_000n,
      7,
      3,
      'm',
      'slot',
      [
        {
          name: 't',
          partitions: [{ partitionIndex: 2, committedOffset: 9n, committedLeaderEpoch: 1, committedMetadata: 'x' }],
        },
      ],
    ],
    {
      ...producer,
      groupId: 'g',
      generationId: 3,
      memberId: 'm',
      groupInstanceId: 'slot',
      topics: [
        {
          name: 't',
          partitions: [{ partitionIndex: 2, committedOffset: 9, committedLeaderEpoch: 1, committedMetadata: 'x' }],
        },
      ],
    },
  ],
  [
    'fetch',
    12,
    [
      500,
      1,
      1000,
      1,
      0,
      -1,
      [
        {
          topicId: 't',
          partitions: [
            {
              partition: 1,
              currentLeaderEpoch: 2,
              fetchOffset: 5_000_000_000n,
              lastFetchedEpoch: -1,
              partitionMaxBytes: 99,
            },
          ],
        },
      ],
      [],
      '',
    ],
    {
      maxWaitMs: 500,
      isolationLevel: 1,
      sessionEpoch: -1,
      topics: [
        {
          topic: 't',
          partitions: [{ partition: 1, currentLeaderEpoch: 2, fetchOffset: 5_000_000_000, partitionMaxBytes: 99 }],
        },
      ],
    },
  ],
  [
    'fetch',
    17,
    [
      500,
      1,
      1000,
      1,
      0,
      -1,
      [
        {
          topicId: topic,
          partitions: [
            {
              partition: 1,
              currentLeaderEpoch: 2,
              fetchOffset: 5n,
              lastFetchedEpoch: -1,
              partitionMaxBytes: 99,
              replicaDirectoryId: topic,
            },
          ],
        },
      ],
      [],
      'rack',
    ],
    {
      rackId: 'rack',
      topics: [{ topicId: topic, partitions: [{ partition: 1, fetchOffset: 5, replicaDirectoryId: topic }] }],
    },
  ],
  [
    'listOffsets',
    9,
    [-1, 1, [{ name: 't', partitions: [{ partitionIndex: 3, currentLeaderEpoch: -1, timestamp: -2n }] }]],
    {
      replicaId: -1,
      isolationLevel: 1,
      topics: [{ name: 't', partitions: [{ partitionIndex: 3, timestamp: -2 }] }],
    },
  ],
  [
    'offsetCommit',
    9,
    [
      'g',
      4,
      'm',
      null,
      [
        {
          name: 't',
          partitions: [{ partitionIndex: 2, committedOffset: 9n, committedLeaderEpoch: 1, committedMetadata: null }],
        },
      ],
    ],
    {
      groupId: 'g',
      generationIdOrMemberEpoch: 4,
      memberId: 'm',
      groupInstanceId: null,
      topics: [{ name: 't', partitions: [{ partitionIndex: 2, committedOffset: 9, committedMetadata: null }] }],
    },
  ],
  [
    'offsetFetch',
    9,
    [[{ groupId: 'g', memberId: null, memberEpoch: -1, topics: [{ name: 't', partitionIndexes: [1, 2] }] }], true],
    {
      groups: [{ groupId: 'g', memberEpoch: -1, topics: [{ name: 't', partitionIndexes: [1, 2] }] }],
      requireStable: true,
    },
  ],
  [
    'joinGroup',
    9,
    ['g', 1000, 2000, 'm', 'slot', 'consumer', [{ name: 'range', metadata }], 'because'],
    {
      groupId: 'g',
      sessionTimeoutMs: 1000,
      rebalanceTimeoutMs: 2000,
      memberId: 'm',
      groupInstanceId: 'slot',
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata }],
      reason: 'because',
    },
  ],
  [
    'syncGroup',
    5,
    ['g', 1, 'm', null, 'consumer', 'range', [{ memberId: 'm', assignment: metadata }]],
    {
      groupId: 'g',
      protocolType: 'consumer',
      protocolName: 'range',
      assignments: [{ memberId: 'm', assignment: metadata }],
    },
  ],
  ['heartbeat', 4, ['g', 1, 'm', 'slot'], { groupId: 'g', generationId: 1, memberId: 'm', groupInstanceId: 'slot' }],
  [
    'leaveGroup',
    5,
    ['g', [{ memberId: 'm', groupInstanceId: null, reason: 'bye' }]],
    {
      groupId: 'g',
      members: [{ memberId: 'm', groupInstanceId: null, reason: 'bye' }],
    },
  ],
  [
    'createTopics',
    7,
    [
      [
        {
          name: 't',
          numPartitions: 4,
          replicationFactor: -1,
          assignments: [],
          configs: [{ name: 'cleanup.policy', value: 'compact' }],
        },
      ],
      1000,
      true,
    ],
    {
      topics: [
        { name: 't', numPartitions: 4, replicationFactor: -1, configs: [{ name: 'cleanup.policy', value: 'compact' }] },
      ],
      timeoutMs: 1000,
      validateOnly: true,
    },
  ],
  ['deleteTopics', 6, [[{ name: 't', topicId: null }], 1000], { topics: [{ name: 't' }], timeoutMs: 1000 }],
  ['describeGroups', 5, [['g'], true], { groups: ['g'], includeAuthorizedOperations: true }],
  ['listGroups', 5, [['Stable'], ['classic']], { statesFilter: ['Stable'], typesFilter: ['classic'] }],
  [
    'describeConfigs',
    4,
    [[{ resourceType: 2, resourceName: 't', configurationKeys: ['a'] }], true, true],
    {
      resources: [{ resourceType: 2, resourceName: 't', configurationKeys: ['a'] }],
      includeSynonyms: true,
      includeDocumentation: true,
    },
  ],
  [
    'incrementalAlterConfigs',
    1,
    [[{ resourceType: 2, resourceName: 't', configs: [{ name: 'a', configOperation: 0, value: 'b' }] }], false],
    {
      resources: [{ resourceType: 2, resourceName: 't', configs: [{ name: 'a', configOperation: 0, value: 'b' }] }],
      validateOnly: false,
    },
  ],
  [
    'createPartitions',
    3,
    [[{ name: 't', count: 6, assignments: [] }], 1000, false],
    { topics: [{ name: 't', count: 6 }], timeoutMs: 1000 },
  ],
  [
    'deleteRecords',
    2,
    [[{ name: 't', partitions: [{ partitionIndex: 1, offset: 5n }] }], 1000],
    {
      topics: [{ name: 't', partitions: [{ partitionIndex: 1, offset: 5 }] }],
      timeoutMs: 1000,
    },
  ],
  ['describeLogDirs', 4, [[{ name: 't', partitions: [1] }]], { topics: [{ topic: 't', partitions: [1] }] }],
  ['deleteGroups', 2, [['g']], { groupsNames: ['g'] }],
  ['describeCluster', 1, [true, 1], { includeClusterAuthorizedOperations: true, endpointType: 1 }],
  [
    'listTransactions',
    1,
    [['Ongoing'], [5n], 7n],
    { stateFilters: ['Ongoing'], producerIdFilters: [5], durationFilter: 7 },
  ],
  ['describeTransactions', 0, [['tx']], { transactionalIds: ['tx'] }],
  [
    'describeProducers',
    0,
    [[{ name: 't', partitionIndexes: [1] }]],
    { topics: [{ name: 't', partitionIndexes: [1] }] },
  ],
  ['saslAuthenticate', 2, [metadata], { authBytes: metadata }],
  ['saslHandshake', 1, ['PLAIN'], { mechanism: 'PLAIN' }],
]

describe('requests', () => {
  test.each(fromPlatformatic)('%s v%i is read as @platformatic/kafka writes it', (name, version, args, expected) => {
    const witness = witnesses[`${name}V${version}`]
    const bytes = witness?.createRequest(...args).buffer
    expect(bytes && untyped(name).decodeRequest(version, bytes)).toMatchObject(expected)
  })
})
