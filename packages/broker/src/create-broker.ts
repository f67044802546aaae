/** A broker for tests and for whatever lives in one process: in memory and on a free port, unless it is told otherwise. */
import { type Broker, type BrokerOptions, startBroker } from './broker.ts'
import { memoryFiles } from './log/memory-files.ts'

export type CreateBrokerOptions = Omit<BrokerOptions, 'dataDir'> & {
  /** The folder of a log on disk, which is made if it is not there and kept. Default: in memory, and gone with the broker. */
  readonly dataDir?: string
  /** Room for a log in memory. A write beyond it fails as on a full disk. Default 1 GiB. */
  readonly maxMemoryBytes?: number
}

const defaultMaxMemoryBytes = 1024 ** 3
/** What is in the journal is in memory twice. */
const checkpointBytesInMemory = 4 * 1024 ** 2
/** Of its own file system: no other one knows the path. */
const folderInMemory = '/in-memory'

/**
 * Resolves when clients can connect.
 * @throws as `startBroker`
 */
export function createBroker(options: CreateBrokerOptions = {}): Promise<Broker> {
  const { dataDir, maxMemoryBytes = defaultMaxMemoryBytes, ...rest } = options
  if (dataDir !== undefined) return startBroker({ port: 0, ...rest, dataDir })
  const files = memoryFiles({ maxBytes: maxMemoryBytes })
  return startBroker({ port: 0, files, checkpointBytes: checkpointBytesInMemory, ...rest, dataDir: folderInMemory })
}
