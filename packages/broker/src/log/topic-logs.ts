import { join } from 'node:path'
import { logSettings } from '../topics/topic-config.ts'
import type { Files } from './files.ts'
import type { IndexCache } from './index-cache.ts'
import type { Journal } from './journal.ts'
import { LogPartition, type PartitionState } from './partition.ts'
import type { Clock, TopicInfo } from './types.ts'

/** A topic with its partitions, as the storage keeps it. */
export type TopicLogs = { info: TopicInfo; readonly folder: string; readonly partitions: LogPartition[] }

export type LogContext = {
  readonly dataDir: string
  readonly files: Files
  readonly indexes: IndexCache
  readonly clock: Clock
  readonly journal: () => Journal
}

/** File systems allow names of 255 bytes; a topic's name may have 249 characters and is followed by its id. */
const folderNameCharacters = 200

/** The id distinguishes a topic from an earlier one of the same name whose files are still being removed. */
export function topicFolder(dataDir: string, info: TopicInfo): string {
  return join(dataDir, 'topics', `${info.name.slice(0, folderNameCharacters)}.${info.id}`)
}

export function openTopicLogs(context: LogContext, info: TopicInfo, states: readonly PartitionState[] = []): TopicLogs {
  const topic: TopicLogs = { info, folder: topicFolder(context.dataDir, info), partitions: [] }
  changeTopicLogs(context, topic, info, states)
  return topic
}

/** Applies changed configuration and added partitions. */
export function changeTopicLogs(
  context: LogContext,
  topic: TopicLogs,
  info: TopicInfo,
  states: readonly PartitionState[] = [],
): void {
  const { files, indexes, clock, journal } = context
  const settings = logSettings(info.config)
  topic.info = info
  for (const partition of topic.partitions) partition.settings = settings
  for (let index = topic.partitions.length; index < info.partitions; index++) {
    const folder = join(topic.folder, String(index))
    files.makeFolder(folder)
    const state = states[index]
    const names = { topic: info.name, topicId: info.id, index, folder }
    const parts = { files, indexes, clock, settings, journal }
    topic.partitions.push(new LogPartition({ ...names, ...parts, ...(state && { state }) }))
  }
}
