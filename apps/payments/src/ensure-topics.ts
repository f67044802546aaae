/**
 * Compares the log's topics with the list: missing ones are created, and an important difference stops the start.
 * Payments call this at each start, and so does the repair; all others wait for the topics.
 */
import { type TopicDefinition, topics } from '@streampay/domain'
import { type Admin, type Cluster, openAdmin, type TopicDescription } from '@streampay/kafka'
import { type Environment, wholeNumberSetting } from '@streampay/process'
import { TopicsDifferError } from './errors.ts'

export type EnsureTopicsOptions = {
  /** The replication factor of created topics; -1: the log's default. */
  readonly replicationFactor?: number
}

/**
 * Creates the topics of the list that the log does not have, and compares the others with it. Several services may do so
 * at the same time. Returns the names of the created topics.
 * @throws TopicsDifferError with every difference, KafkaError if the log cannot be asked.
 */
export async function ensureTopics(cluster: Cluster, options: EnsureTopicsOptions = {}): Promise<string[]> {
  return ensureTopicsWith(openAdmin(cluster), options)
}

/** As `ensureTopics`, on any admin client. */
export async function ensureTopicsWith(
  admin: Pick<Admin, 'createTopics' | 'describeTopics'>,
  { replicationFactor = -1 }: EnsureTopicsOptions,
): Promise<string[]> {
  const names = topics.map((topic) => topic.name)
  const before = new Set((await admin.describeTopics(names)).map((topic) => topic.name))
  const missing = topics.filter((topic) => !before.has(topic.name))
  const results = missing.length === 0 ? [] : await admin.createTopics(missing.map((topic) => toCreate(topic)))
  // Described again: topics that another service created meanwhile must be right, too.
  const found = new Map((await admin.describeTopics(names)).map((topic) => [topic.name, topic]))
  const differences = topics.flatMap((topic) => {
    const description = found.get(topic.name)
    return description === undefined ? [`there is no topic "${topic.name}"`] : differencesOf(topic, description)
  })
  if (differences.length > 0) throw new TopicsDifferError(differences)
  return results.filter((result) => result.created).map((result) => result.name)

  function toCreate({ name, partitions, config }: TopicDefinition) {
    return { name, partitions, replicationFactor, configs: config }
  }
}

/** `KAFKA_REPLICATION_FACTOR`: of created topics; -1, also the default, means the log's own. @throws SettingError */
export function replicationFactorFrom(env: Environment): number {
  const name = 'KAFKA_REPLICATION_FACTOR'
  return env[name] === '-1' ? -1 : (wholeNumberSetting(env, name, { fallback: undefined, min: 1, max: 32_767 }) ?? -1)
}

/** Every important difference between the list and the log, as a clause with both values. */
export function differencesOf(
  topic: TopicDefinition,
  found: { readonly partitions: TopicDescription['partitions']; readonly configs: TopicDescription['configs'] },
): string[] {
  const differences: string[] = []
  const partitionCount = found.partitions.length
  if (topic.coPartitionedIn.length > 0 && partitionCount !== topic.partitions) {
    differences.push(
      `"${topic.name}" has ${partitionCount} partitions, not ${topic.partitions}, which would move accounts to tasks without their state`,
    )
  }
  for (const [setting, wanted] of Object.entries(topic.config)) {
    const actual = found.configs[setting]
    if (actual === undefined || sufficesFor(setting, actual, wanted)) continue
    differences.push(`"${topic.name}" has ${setting}=${actual}, not ${wanted}`)
  }
  return differences
}

function sufficesFor(setting: string, actual: string, wanted: string): boolean {
  switch (setting) {
    case 'retention.ms':
    case 'retention.bytes':
      // A topic that keeps more than needed loses no data.
      return keptAmount(actual) >= keptAmount(wanted)
    case 'max.message.bytes':
      return Number(actual) >= Number(wanted)
    default:
      return normalized(actual) === normalized(wanted)
  }
}

/** -1 means without a limit. */
function keptAmount(text: string): number {
  const amount = Number(text)
  return amount < 0 ? Number.POSITIVE_INFINITY : amount
}

function normalized(text: string): string {
  return text
    .split(',')
    .map((part) => part.trim().toLowerCase())
    .sort()
    .join(',')
}
