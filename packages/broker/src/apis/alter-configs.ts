/**
 * AlterConfigs (33), versions 0 to 2: the given values replace all values that were set on the topic. Clients should use
 * IncrementalAlterConfigs, which changes single values. The broker's own configuration can only be set at its start.
 * https://kafka.apache.org/protocol#The_Messages_AlterConfigs
 */

import { apis, errors } from '@streampay/kafka/wire'
import { ApiError } from '../log/api-error.ts'
import { alterTopicConfig } from './alter-topic-config.ts'
import { defineHandler } from './api.ts'

export const alterConfigs = defineHandler(apis.alterConfigs, async (request, { broker }) => ({
  responses: await Promise.all(
    request.resources.map((resource) =>
      alterTopicConfig(resource, { broker, validateOnly: request.validateOnly }, () => {
        const config: Record<string, string> = {}
        for (const { name, value } of resource.configs) {
          if (value === null) throw new ApiError(errors.INVALID_CONFIG, `No value for the configuration ${name}`)
          config[name] = value
        }
        return config
      }),
    ),
  ),
}))
