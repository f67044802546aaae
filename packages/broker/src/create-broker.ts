/** A broker for tests and for programs that need one in their own process: by default in memory and on a free port. */
import { type Broker, type BrokerOptions, startBroker } from './broker.ts'
import { memoryFiles } from './log/memory-files.ts'

/** The options of `createBroker` for its log; all others are those of `startBroker`. */
export type CreateBrokerOptions = Omit<BrokerOptions, 'dataDir'> & {
  /** The folder of a log on disk, which is created if needed and kept. Default: in memory, lost when the broker ends. */
  readonly dataDir?: string
  /** The size of a log in memory. A write beyond it fails as on a full disk. Default 1 GiB. */
  readonly maxMemoryBytes?: number
}

const defaultMaxMemoryBytes = 1024 ** 3
/** The contents of the journal are in memory twice. */
const checkpointBytesInMemory = 4 * 1024 ** 2
/** A path in the file system in memory, which has no other files. */
const folderInMemory = '/in-memory'

/**
 * Starts a broker in this process: in memory, or on disk with `dataDir`; on a free port, or on `port`. Resolves when clients can connect.
 * @throws as `startBroker`
 * @example
 * ```ts
 * import { createBroker } from '@streampay/broker'
 * import { openAdmin, openCluster } from '@streampay/kafka'
 *
 * const broker = await createBroker()
 * const cluster = openCluster({ brokers: [broker.brokers], clientId: 'example' })
 * console.log(await openAdmin(cluster).createTopics([{ name: 'parcels', partitions: 1 }])) // → [ { name: 'parcels', created: true } ]
 * await cluster.close()
 * await broker.close()
 * ```
 */
export function createBroker(options: CreateBrokerOptions = {}): Promise<Broker> {
  const { dataDir, maxMemoryBytes = defaultMaxMemoryBytes, ...rest } = options
  if (dataDir !== undefined) return startBroker({ port: 0, ...rest, dataDir })
  const files = memoryFiles({ maxBytes: maxMemoryBytes })
  return startBroker({ port: 0, files, checkpointBytes: checkpointBytesInMemory, ...rest, dataDir: folderInMemory })
}
