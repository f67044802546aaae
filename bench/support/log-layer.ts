/** The log layer of the embedded broker, opened in the process that measures it. */
import { openStorage, type Partition, type Storage } from '../../packages/broker/src/log/index.ts'

const none = () => undefined
const logger = { debug: none, info: none, warn: none, error: none }

/** Without maintenance. */
export function openLog(dataDir: string): Promise<Storage> {
  return openStorage({ dataDir, logger, clock: { now: () => Date.now() }, maintenanceIntervalMs: 0 })
}

export function partitionsOf(storage: Storage): Partition[] {
  return storage
    .topics()
    .filter(({ internal }) => !internal)
    .flatMap(({ name, partitions }) => Array.from({ length: partitions }, (_, at) => storage.partition(name, at)))
    .filter((partition) => partition !== undefined)
}
