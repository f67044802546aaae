/** The exactly-once client layer over any log that speaks the Kafka protocol. The wire codec is `@streampay/kafka/wire`. */
import type * as client from './client.ts'

export type {
  Admin,
  ClientOptions,
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
  SaslMechanism,
  TopicDescription,
  TopicToCreate,
  TransactionalProducer,
  TransactionalProducerOptions,
} from './client.ts'
export { type Clock, systemClock } from './clock.ts'
export {
  AbortableError,
  BrokerError,
  errorTable,
  FencedError,
  KafkaError,
  type KafkaErrorCode,
  OffsetOutOfRangeError,
  type Outcome,
  UnknownOutcomeError,
} from './errors.ts'
export { partitionForKey } from './partitioner.ts'
export type * from './types.ts'

export type Cluster = { ready(options?: { readonly timeoutMs?: number }): Promise<void>; close(): Promise<void> }
export declare function clientOptionsFromEnv(
  env: Readonly<Record<string, string | undefined>>,
  clientId: string,
): client.ClientOptions
export declare function openCluster(options: client.ClientOptions): Cluster
export declare function openProducer(cluster: Cluster, options?: client.ProducerOptions): client.Producer
export declare function openTransactionalProducer(
  cluster: Cluster,
  options: client.TransactionalProducerOptions,
): Promise<client.TransactionalProducer>
export declare function endTransactionOf(cluster: Cluster, transactionalId: string): Promise<void>
export declare function openReader(cluster: Cluster, options?: client.ReaderOptions): client.Reader
export declare function openGroup(cluster: Cluster, options: client.GroupOptions): client.Group
export declare function openAdmin(cluster: Cluster): client.Admin
