/**
 * DescribeLogDirs (35), versions 0 to 4: one folder, with the size of each partition's segment files.
 * https://kafka.apache.org/protocol#The_Messages_DescribeLogDirs
 */

import { apis, errors } from '@streampay/kafka/wire'
import { type BrokerContext, defineHandler } from './api.ts'

export const describeLogDirs = defineHandler(apis.describeLogDirs, async (request, { broker }) => {
  const { storage } = broker
  const wanted =
    request.topics ??
    storage.topics().map(({ name, partitions }) => ({ topic: name, partitions: [...Array(partitions).keys()] }))
  const topics = wanted.map(({ topic: name, partitions }) => ({
    name,
    partitions: partitions.flatMap((index) => sizeOf(storage, name, index)),
  }))
  const { totalBytes, usableBytes } = await storage.diskSpace()
  const result = { errorCode: errors.NONE, logDir: storage.dataDir, topics, totalBytes, usableBytes }
  return { errorCode: errors.NONE, results: [result] }
})

function sizeOf(storage: BrokerContext['storage'], name: string, partitionIndex: number) {
  const partition = storage.partition(name, partitionIndex)
  if (!partition) return []
  return [{ partitionIndex, partitionSize: partition.sizeBytes, offsetLag: 0, isFutureKey: false }]
}
