/**
 * AlterReplicaLogDirs (key 34), versions 1 to 2: all partitions are in one folder, so they can't be moved to another.
 * Spec: https://kafka.apache.org/protocol.html#The_Messages_AlterReplicaLogDirs
 */
import { apis, errors } from '@streampay/kafka/wire'
import { defineHandler } from './api.ts'

export const alterReplicaLogDirs = defineHandler(apis.alterReplicaLogDirs, ({ dirs }, { broker }) => {
  const { storage } = broker
  const codeOf = (path: string, name: string, index: number) => {
    if (path !== storage.dataDir) return errors.LOG_DIR_NOT_FOUND
    return storage.partition(name, index) === undefined ? errors.UNKNOWN_TOPIC_OR_PARTITION : errors.NONE
  }
  return {
    results: dirs.flatMap(({ path, topics }) =>
      topics.map(({ name, partitions }) => ({
        topicName: name,
        partitions: partitions.map((index) => ({ partitionIndex: index, errorCode: codeOf(path, name, index) })),
      })),
    ),
  }
})
