import { errors } from '@streampay/kafka/wire'
import { ApiError } from '../log/api-error.ts'
import { checkTopicConfig } from '../topics/check-topic-config.ts'
import type { BrokerContext } from './api.ts'
import { type Refusal, refusalOf } from './refusal.ts'
import { resourceTypes } from './resource-types.ts'

export type ConfigResource = { readonly resourceType: number; readonly resourceName: string }
export type AlteredResource = ConfigResource & (Refusal | { readonly errorCode: 0; readonly errorMessage: null })
type Config = Readonly<Record<string, string>>

/** Sets a topic's configuration to the result of `change` for the present one. */
export async function alterTopicConfig(
  { resourceType, resourceName }: ConfigResource,
  how: { readonly broker: BrokerContext; readonly validateOnly: boolean },
  change: (present: Config) => Config,
): Promise<AlteredResource> {
  const { storage, logger } = how.broker
  try {
    if (resourceType !== resourceTypes.topic) {
      throw new ApiError(errors.INVALID_REQUEST, 'Only the configuration of topics can be changed here')
    }
    const info = storage.topic(resourceName)
    if (!info) throw new ApiError(errors.UNKNOWN_TOPIC_OR_PARTITION, `There is no topic ${resourceName}`)
    const config = change(info.config)
    checkTopicConfig(config)
    if (!how.validateOnly) await storage.setTopicConfig(resourceName, config)
    return { resourceType, resourceName, errorCode: errors.NONE, errorMessage: null }
  } catch (error) {
    return { resourceType, resourceName, ...refusalOf(error, logger) }
  }
}
