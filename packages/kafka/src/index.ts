/** The exactly-once client layer over any log that speaks the Kafka protocol. The wire codec is `@streampay/kafka/wire`. */
export { openAdmin } from './admin/admin.ts'
export type {
  ActiveProducer,
  Admin,
  ClientOptions,
  FetchOptions,
  Group,
  GroupDescription,
  GroupListing,
  GroupOptions,
  ListedOffset,
  OffsetSpec,
  PartitionOffset,
  PartitionPosition,
  Producer,
  ProducerOptions,
  Reader,
  ReaderOptions,
  ReplicaSize,
  SaslMechanism,
  SharedFetches,
  TopicDescription,
  TopicToCreate,
  TransactionalProducer,
  TransactionalProducerOptions,
  TransactionDescription,
  TransactionListing,
} from './client.ts'
export { type Clock, systemClock } from './clock.ts'
export { type Cluster, openCluster, type TopicMetadata } from './cluster.ts'
export {
  AbortableError,
  BrokerError,
  errorTable,
  exitCodeOf,
  FencedError,
  KafkaError,
  type KafkaErrorCode,
  OffsetOutOfRangeError,
  type RequestOutcome,
  UnknownOutcomeError,
} from './errors.ts'
export { openGroup } from './group/group.ts'
export { clientOptionsFromEnv } from './options.ts'
export { partitionForKey } from './partitioner.ts'
export {
  type BackgroundSender,
  type BackgroundSenderOptions,
  openBackgroundSender,
} from './producer/background-sender.ts'
export { openProducer } from './producer/producer.ts'
export { endTransactionOf, openTransactionalProducer } from './producer/transactional-producer.ts'
export { type OffsetRange, type ReadBetweenOptions, readBetween } from './reader/read-between.ts'
export { openReader, openSharedFetches } from './reader/reader.ts'
export { UndecodableBatchError } from './reader/undecodable.ts'
export { type RecordWitness, recordChecksum, witnessOf } from './record-checksum.ts'
export type { Random } from './retry.ts'
export type * from './types.ts'
export { headerText, keyOf } from './types.ts'
