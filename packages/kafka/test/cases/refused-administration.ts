/** Requests that need an authorizer, secrets or other brokers: answered as Apache Kafka does without them. */
import { describe, expect, it } from 'vitest'
import { apis, errors } from '../../src/wire/index.ts'
import { clientsOf } from '../support/clients.ts'
import type { LogUnderTest } from '../support/log-under-test.ts'
import { WireConnection } from '../support/wire-connection.ts'

const acl = { resourceType: 2, resourceName: 'a', principal: 'User:a', host: '*', operation: 3, permissionType: 3 }
const filter = {
  resourceTypeFilter: 1,
  resourceNameFilter: null,
  principalFilter: null,
  hostFilter: null,
  operation: 1,
  permissionType: 1,
}
const hmac = Buffer.from('secret')

export function refusedAdministrationCases(theLog: () => LogUnderTest): void {
  const connected = () => WireConnection.open(theLog().brokers[0] ?? '')

  describe('administration of missing features', () => {
    it.each([1, 2, 3])('is refused for access lists in version %i, since security is disabled', async (version) => {
      const connection = await connected()
      const code = errors.SECURITY_DISABLED
      const described = await connection.call(apis.describeAcls, filter, { version })
      const created = await connection.call(apis.createAcls, { creations: [acl, acl] }, { version })
      const deleted = await connection.call(apis.deleteAcls, { filters: [filter] }, { version })
      connection.close()
      expect(described.errorCode).toBe(code)
      expect(created.results.map(({ errorCode }) => errorCode)).toEqual([code, code])
      expect(deleted.filterResults.map(({ errorCode }) => errorCode)).toEqual([code])
    })

    it.each([1, 2])('is refused for delegation tokens in version %i, on a plaintext listener', async (version) => {
      const connection = await connected()
      const created = await connection.call(
        apis.createDelegationToken,
        { ownerPrincipalType: null, ownerPrincipalName: null, renewers: [], maxLifetimeMs: 1000 },
        { version },
      )
      const renewed = await connection.call(apis.renewDelegationToken, { hmac, renewPeriodMs: 1 }, { version })
      const expired = await connection.call(apis.expireDelegationToken, { hmac, expiryTimePeriodMs: 1 }, { version })
      const described = await connection.call(apis.describeDelegationToken, { owners: null }, { version })
      connection.close()
      const codes = [created, renewed, expired, described].map(({ errorCode }) => errorCode)
      expect(codes).toEqual(Array(4).fill(errors.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED))
    })

    it('says that no election is needed, and that there is nowhere to move to', async () => {
      const { topic } = clientsOf(theLog())
      const name = await topic(1)
      const connection = await connected()
      const elected = await connection.call(apis.electLeaders, {
        electionType: 0,
        topicPartitions: [{ topic: name, partitions: [0, 9] }],
        timeoutMs: 5000,
      })
      const results = elected.replicaElectionResults[0]?.partitionResult ?? []
      expect(new Map(results.map(({ partitionId, errorCode }) => [partitionId, errorCode]))).toEqual(
        new Map([
          [0, errors.ELECTION_NOT_NEEDED],
          [9, errors.UNKNOWN_TOPIC_OR_PARTITION],
        ]),
      )
      const moved = await connection.call(apis.alterPartitionReassignments, {
        timeoutMs: 5000,
        topics: [
          {
            name,
            partitions: [
              { partitionIndex: 0, replicas: null },
              { partitionIndex: 9, replicas: [1] },
            ],
          },
        ],
      })
      connection.close()
      expect(moved.responses[0]?.partitions.map(({ errorCode }) => errorCode)).toEqual([
        errors.NO_REASSIGNMENT_IN_PROGRESS,
        errors.UNKNOWN_TOPIC_OR_PARTITION,
      ])
    })

    it('knows one log folder, and no other', async () => {
      const { topic } = clientsOf(theLog())
      const name = await topic(1)
      const connection = await connected()
      const { results } = await connection.call(apis.alterReplicaLogDirs, {
        dirs: [{ path: '/nowhere', topics: [{ name, partitions: [0] }] }],
      })
      connection.close()
      expect(results[0]?.partitions[0]?.errorCode).toBe(errors.LOG_DIR_NOT_FOUND)
    })
  })
}
