import type { TopicInfo } from '../log/types.ts'
import { type ConfigType, configDefinitions } from './topic-config.ts'

/** A configuration value in the form of DescribeConfigs and CreateTopics. */
export type ConfigEntry = {
  readonly name: string
  readonly value: string
  readonly readOnly: boolean
  readonly isDefault: boolean
  /** 1: set on the topic. 4: set on the broker. 5: default. */
  readonly configSource: number
  readonly isSensitive: boolean
  readonly synonyms: readonly { readonly name: string; readonly value: string; readonly source: number }[]
  readonly configType: number
  readonly documentation: string
}

const topicSource = 1
const brokerSource = 4
const defaultSource = 5
const typeNumbers: Record<ConfigType, number> = { boolean: 1, string: 2, int: 3, long: 5, double: 6, list: 7 }

/** Every value that a topic has, set or not, by name. */
export function topicConfigEntries(topic: Pick<TopicInfo, 'config'>): ConfigEntry[] {
  return configDefinitions.map((definition) => {
    const set = topic.config[definition.name]
    const fallback = { name: definition.name, value: definition.default, source: defaultSource }
    const isSet = set !== undefined
    return {
      name: definition.name,
      value: set ?? definition.default,
      readOnly: false,
      isDefault: !isSet,
      configSource: isSet ? topicSource : defaultSource,
      isSensitive: false,
      synonyms: isSet ? [{ name: definition.name, value: set, source: topicSource }, fallback] : [fallback],
      configType: typeNumbers[definition.type],
      documentation: definition.documentation,
    }
  })
}

/** The settings with which the broker was started, under Kafka's names. Read-only. */
export function brokerConfigEntries(values: ReadonlyArray<readonly [name: string, value: string, type: ConfigType]>) {
  return values.map(
    ([name, value, type]): ConfigEntry => ({
      name,
      value,
      readOnly: true,
      isDefault: false,
      configSource: brokerSource,
      isSensitive: false,
      synonyms: [{ name, value, source: brokerSource }],
      configType: typeNumbers[type],
      documentation: '',
    }),
  )
}
