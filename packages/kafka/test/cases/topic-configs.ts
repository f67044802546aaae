/** Settings of topics, and whether Apache Kafka 4.3 takes them (seen on a real one, by the cases below). */
import { describe, expect, it } from 'vitest'
import { apis } from '../../src/wire/index.ts'
import { clientsOf } from '../support/clients.ts'
import type { LogUnderTest } from '../support/log-under-test.ts'
import { WireConnection } from '../support/wire-connection.ts'

const settings: readonly (readonly [name: string, value: string, isTaken: boolean])[] = [
  ['compression.type', 'zstd', true],
  ['compression.type', 'gzip', true],
  ['compression.type', 'uncompressed', true],
  ['compression.type', 'none', false],
  ['compression.type', 'bzip', false],
  ['compression.gzip.level', '9', true],
  ['compression.gzip.level', '10', false],
  ['compression.gzip.level', '0', false],
  ['compression.gzip.level', '-1', true],
  ['compression.lz4.level', '1', true],
  ['compression.lz4.level', '17', true],
  ['compression.lz4.level', '18', false],
  ['compression.lz4.level', '0', false],
  ['compression.zstd.level', '22', true],
  ['compression.zstd.level', '23', false],
  ['compression.zstd.level', '-131072', true],
  ['compression.zstd.level', '-131073', false],
  ['cleanup.policy', '', true],
  ['cleanup.policy', 'none', false],
  ['cleanup.policy', 'compact,delete', true],
  ['local.retention.ms', '-2', true],
  ['local.retention.ms', '-3', false],
  ['local.retention.bytes', '-2', true],
  ['local.retention.ms', '604800001', true],
  ['remote.log.copy.disable', 'true', true],
  ['remote.log.delete.on.disable', 'true', true],
  ['remote.storage.enable', 'true', false],
  ['remote.storage.enable', 'false', true],
  ['message.timestamp.difference.max.ms', '1', false],
  ['message.format.version', '3.0', false],
  ['message.downconversion.enable', 'true', false],
  ['segment.bytes', '1048576', true],
  ['segment.index.bytes', '4', true],
  ['segment.index.bytes', '3', false],
  ['segment.jitter.ms', '-1', false],
  ['min.insync.replicas', '0', false],
  ['min.insync.replicas', '2', true],
  ['flush.messages', '0', false],
  ['flush.ms', '-1', false],
  ['file.delete.delay.ms', '-1', false],
  ['leader.replication.throttled.replicas', '*', true],
  ['leader.replication.throttled.replicas', '0:1,1:2', true],
  ['leader.replication.throttled.replicas', 'x', false],
  ['follower.replication.throttled.replicas', '*', true],
  ['min.cleanable.dirty.ratio', '1.1', false],
  ['min.compaction.lag.ms', '5', true],
  ['max.compaction.lag.ms', '0', false],
  ['unclean.leader.election.enable', 'true', true],
  ['preallocate', 'TRUE', true],
  ['preallocate', 'yes', false],
  ['retention.ms', ' 5 ', true],
  ['retention.ms', '+5', true],
  ['retention.ms', '0x10', false],
  ['index.interval.bytes', '-1', false],
  ['errors.deadletterqueue.group.enable', 'true', false],
  ['message.timestamp.type', 'Never', false],
  ['max.message.bytes', '-1', false],
  ['delete.retention.ms', '-1', false],
  ['retention.bytes', '-2', true],
  ['cleanup.policy', 'compact,compact', true],
  ['cleanup.policy', 'delete,', false],
]

const topicResource = 2
const set = 0

export function topicConfigCases(theLog: () => LogUnderTest): void {
  describe('the settings of a topic', () => {
    it.each(settings)('%s = "%s" is taken: %s', async (name, value, isTaken) => {
      const { topic } = clientsOf(theLog())
      const resourceName = await topic(1)
      const connection = await WireConnection.open(theLog().brokers[0] ?? '')
      const configs = [{ name, configOperation: set, value }]
      const { responses } = await connection.call(apis.incrementalAlterConfigs, {
        resources: [{ resourceType: topicResource, resourceName, configs }],
        validateOnly: true,
      })
      connection.close()
      expect(responses[0]?.errorCode === 0).toBe(isTaken)
    })

    it('are kept and shown, also those that change nothing', async () => {
      const { admin, topic } = clientsOf(theLog())
      const configs = { 'compression.type': 'zstd', 'compression.zstd.level': '19', 'local.retention.ms': '-2' }
      expect(await admin.describeConfigs(await topic(1, configs))).toMatchObject(configs)
    })
  })
}
