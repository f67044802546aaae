/**
 * IncrementalAlterConfigs (44), versions 0 and 1: sets (0) or unsets (1) single values of topics, and for lists appends (2) or
 * removes (3) items.
 * https://kafka.apache.org/protocol#The_Messages_IncrementalAlterConfigs
 */

import { apis, errors, type RequestOf } from '@streampay/kafka/wire'
import { ApiError } from '../log/api-error.ts'
import { configDefinition, listItems } from '../topics/topic-config.ts'
import { alterTopicConfig } from './alter-topic-config.ts'
import { defineHandler } from './api.ts'

type Change = RequestOf<typeof apis.incrementalAlterConfigs>['resources'][number]['configs'][number]

const operations = { set: 0, delete: 1, append: 2, subtract: 3 } as const

export const incrementalAlterConfigs = defineHandler(apis.incrementalAlterConfigs, async (request, { broker }) => ({
  responses: await Promise.all(
    request.resources.map((resource) =>
      alterTopicConfig(resource, { broker, validateOnly: request.validateOnly }, (present) => {
        const config: Record<string, string> = { ...present }
        for (const change of resource.configs) applyChange(config, change)
        return config
      }),
    ),
  ),
}))

function applyChange(config: Record<string, string>, { name, configOperation, value }: Change): void {
  if (configOperation === operations.delete) {
    delete config[name]
    return
  }
  if (value === null) throw new ApiError(errors.INVALID_CONFIG, `No value for the configuration ${name}`)
  config[name] =
    configOperation === operations.set ? value : changedList(config[name], { name, configOperation, value })
}

function changedList(present: string | undefined, change: { name: string; configOperation: number; value: string }) {
  const { name, configOperation } = change
  const definition = configDefinition(name)
  if (definition?.type !== 'list') {
    throw new ApiError(
      errors.INVALID_CONFIG,
      `The configuration ${name} is not a list, so nothing can be added or removed`,
    )
  }
  const items = listItems(present ?? definition.default)
  const given = listItems(change.value)
  switch (configOperation) {
    case operations.append:
      return [...new Set([...items, ...given])].join(',')
    case operations.subtract:
      return items.filter((item) => !given.includes(item)).join(',')
    default:
      throw new ApiError(errors.INVALID_REQUEST, `Operation ${configOperation} on the configuration ${name}`)
  }
}
