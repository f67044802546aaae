/**
 * Topic configuration: names, types, defaults and limits as in Apache Kafka 4
 * (https://kafka.apache.org/documentation/#topicconfigs), and the meaning of each value for the storage.
 *
 * Differences from Kafka: `segment.bytes` defaults to 64 MiB and may be small, because retention and compaction work on
 * whole closed segments and a single machine's topics are small. Names that only concern a cluster are accepted and shown,
 * but have no effect (`effective: false`), so that the same list of topics works on any log; so are `compression.type`
 * and its levels, because batches are stored as producers sent them, and every consumer reads any compression.
 */

/** Numbers as in DescribeConfigs' `configType`. */
export type ConfigType = 'boolean' | 'string' | 'int' | 'long' | 'double' | 'list'

export type ConfigDefinition = {
  readonly name: string
  readonly type: ConfigType
  readonly default: string
  readonly min?: number
  readonly max?: number
  readonly oneOf?: readonly string[]
  /** A value that is allowed beside the range or the list. */
  readonly special?: string
  /** The allowed values of each item of a list. */
  readonly pattern?: RegExp
  readonly effective: boolean
  readonly documentation: string
}

/** The parsed configuration of one topic. Times in milliseconds; -1 means "without a limit", as in Kafka. */
export type LogSettings = {
  readonly compact: boolean
  readonly delete: boolean
  readonly maxMessageBytes: number
  readonly logAppendTime: boolean
  readonly timestampBeforeMaxMs: number
  readonly timestampAfterMaxMs: number
  readonly retentionMs: number
  readonly retentionBytes: number
  readonly segmentBytes: number
  readonly segmentMs: number
  readonly deleteRetentionMs: number
  readonly minCleanableDirtyRatio: number
  readonly minCompactionLagMs: number
  readonly maxCompactionLagMs: number
  readonly indexIntervalBytes: number
}

const dayMs = 86_400_000
export const int32Max = 2_147_483_647
const longMax = '9223372036854775807'

const compressionTypes = ['producer', 'uncompressed', 'gzip', 'snappy', 'lz4', 'zstd']
const asSent = 'Accepted and shown; without effect: batches are kept as producers sent them.'
const replicas: Limits = { pattern: /^\d+:\d+$/, special: '*' }

export const configDefinitions: readonly ConfigDefinition[] = [
  define(
    'cleanup.policy',
    'list',
    'delete',
    { oneOf: ['delete', 'compact'] },
    'How old records are removed: delete, compact or both.',
  ),
  ineffective('compression.gzip.level', 'int', '-1', { min: 1, max: 9, special: '-1' }, asSent),
  ineffective('compression.lz4.level', 'int', '9', { min: 1, max: 17 }, asSent),
  ineffective('compression.type', 'string', 'producer', { oneOf: compressionTypes }, asSent),
  ineffective('compression.zstd.level', 'int', '3', { min: -131_072, max: 22 }, asSent),
  define('delete.retention.ms', 'long', `${dayMs}`, { min: 0 }, 'How long compaction keeps tombstones and markers.'),
  define('index.interval.bytes', 'int', '4096', { min: 0 }, 'Bytes between two entries of the sparse index.'),
  define('max.compaction.lag.ms', 'long', longMax, { min: 1 }, 'Compact at the latest after this time.'),
  define('max.message.bytes', 'int', '1048588', { min: 0 }, 'The largest record batch that is accepted.'),
  define('message.timestamp.after.max.ms', 'long', '3600000', { min: 0 }, 'How far ahead a CreateTime may be.'),
  define('message.timestamp.before.max.ms', 'long', longMax, { min: 0 }, 'How far back a CreateTime may be.'),
  define(
    'message.timestamp.type',
    'string',
    'CreateTime',
    { oneOf: ['CreateTime', 'LogAppendTime'] },
    'Whether the producer or the broker sets the timestamps of records.',
  ),
  define(
    'min.cleanable.dirty.ratio',
    'double',
    '0.5',
    { min: 0, max: 1 },
    'Share of new bytes that starts compaction.',
  ),
  define('min.compaction.lag.ms', 'long', '0', { min: 0 }, 'Records younger than this are not compacted.'),
  define('retention.bytes', 'long', '-1', {}, 'Largest size of a partition; below 0: no limit.'),
  define('retention.ms', 'long', `${7 * dayMs}`, { min: -1 }, 'How long records are kept; -1: without limit.'),
  define('segment.bytes', 'int', `${64 * 1024 * 1024}`, { min: 14, max: int32Max }, 'Size of a segment file.'),
  define('segment.ms', 'long', `${7 * dayMs}`, { min: 1 }, 'A segment is closed after this time, full or not.'),
  clusterOnly('file.delete.delay.ms', 'long', '60000', { min: 0 }),
  clusterOnly('flush.messages', 'long', longMax, { min: 1 }),
  clusterOnly('flush.ms', 'long', longMax, { min: 0 }),
  clusterOnly('follower.replication.throttled.replicas', 'list', '', replicas),
  clusterOnly('leader.replication.throttled.replicas', 'list', '', replicas),
  clusterOnly('local.retention.bytes', 'long', '-2', { min: -2 }),
  clusterOnly('local.retention.ms', 'long', '-2', { min: -2 }),
  clusterOnly('min.insync.replicas', 'int', '1', { min: 1 }),
  clusterOnly('preallocate', 'boolean', 'false'),
  clusterOnly('remote.log.copy.disable', 'boolean', 'false'),
  clusterOnly('remote.log.delete.on.disable', 'boolean', 'false'),
  // As in Kafka without tiered storage.
  clusterOnly('remote.storage.enable', 'boolean', 'false', { oneOf: ['false'] }),
  clusterOnly('segment.index.bytes', 'int', '10485760', { min: 4 }),
  clusterOnly('segment.jitter.ms', 'long', '0', { min: 0 }),
  clusterOnly('unclean.leader.election.enable', 'boolean', 'false'),
]

const definitionsByName = new Map(configDefinitions.map((definition) => [definition.name, definition]))

export function configDefinition(name: string): ConfigDefinition | undefined {
  return definitionsByName.get(name)
}

/** @param config checked already: the values that were set on the topic. */
export function logSettings(config: Readonly<Record<string, string>>): LogSettings {
  const value = (name: string) => config[name] ?? definitionsByName.get(name)?.default ?? ''
  const policies = listItems(value('cleanup.policy'))
  return {
    compact: policies.includes('compact'),
    delete: policies.includes('delete'),
    maxMessageBytes: long(value('max.message.bytes')),
    logAppendTime: value('message.timestamp.type').trim() === 'LogAppendTime',
    timestampBeforeMaxMs: long(value('message.timestamp.before.max.ms')),
    timestampAfterMaxMs: long(value('message.timestamp.after.max.ms')),
    retentionMs: long(value('retention.ms')),
    retentionBytes: long(value('retention.bytes')),
    segmentBytes: long(value('segment.bytes')),
    segmentMs: long(value('segment.ms')),
    deleteRetentionMs: long(value('delete.retention.ms')),
    minCleanableDirtyRatio: Number(value('min.cleanable.dirty.ratio')),
    minCompactionLagMs: long(value('min.compaction.lag.ms')),
    maxCompactionLagMs: long(value('max.compaction.lag.ms')),
    indexIntervalBytes: long(value('index.interval.bytes')),
  }
}

export function listItems(value: string): string[] {
  return value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

/** Kafka's Long.MAX_VALUE means "never" here; it becomes the largest safe integer. */
export function long(value: string): number {
  return Math.min(Number(value), Number.MAX_SAFE_INTEGER)
}

type Limits = Pick<ConfigDefinition, 'min' | 'max' | 'oneOf' | 'special' | 'pattern'>

function define(
  name: string,
  type: ConfigType,
  defaultValue: string,
  limits: Limits,
  documentation: string,
): ConfigDefinition {
  return { name, type, default: defaultValue, ...limits, effective: true, documentation }
}

function ineffective(...definition: Parameters<typeof define>): ConfigDefinition {
  return { ...define(...definition), effective: false }
}

function clusterOnly(name: string, type: ConfigType, defaultValue: string, limits: Limits = {}): ConfigDefinition {
  return ineffective(name, type, defaultValue, limits, 'Accepted for compatibility; without effect on a single node.')
}
