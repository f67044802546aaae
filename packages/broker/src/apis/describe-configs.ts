/**
 * DescribeConfigs (32), versions 0 to 4, for topics (2) and for this broker (4): every value with source, default and
 * documentation, filtered by key if the request has keys.
 * https://kafka.apache.org/protocol#The_Messages_DescribeConfigs
 */

import { apis, errors, type RequestOf, type ResponseInputOf } from '@streampay/kafka/wire'
import { ApiError } from '../log/api-error.ts'
import { brokerConfigEntries, type ConfigEntry, topicConfigEntries } from '../topics/config-entries.ts'
import { type BrokerContext, defineHandler } from './api.ts'
import { refusalOf } from './refusal.ts'
import { resourceTypes } from './resource-types.ts'

type Request = RequestOf<typeof apis.describeConfigs>
type Resource = Request['resources'][number]
type Result = ResponseInputOf<typeof apis.describeConfigs>['results'][number]

export const describeConfigs = defineHandler(apis.describeConfigs, (request, { broker }) => ({
  results: request.resources.map((resource) => describeOne(resource, request, broker)),
}))

function describeOne(resource: Resource, request: Request, broker: BrokerContext): Result {
  const { resourceType, resourceName, configurationKeys: keys } = resource
  try {
    const configs = entriesOf(resource, broker)
      .filter((entry) => keys === null || keys.length === 0 || keys.includes(entry.name))
      .map((entry) => ({
        ...entry,
        synonyms: request.includeSynonyms ? entry.synonyms : [],
        documentation: request.includeDocumentation ? entry.documentation : null,
      }))
    return { errorCode: errors.NONE, errorMessage: null, resourceType, resourceName, configs }
  } catch (error) {
    return { ...refusalOf(error, broker.logger), resourceType, resourceName, configs: [] }
  }
}

function entriesOf({ resourceType, resourceName }: Resource, broker: BrokerContext): ConfigEntry[] {
  switch (resourceType) {
    case resourceTypes.topic: {
      const info = broker.storage.topic(resourceName)
      if (info) return topicConfigEntries(info)
      throw new ApiError(errors.UNKNOWN_TOPIC_OR_PARTITION, `There is no topic ${resourceName}`)
    }
    case resourceTypes.broker:
      if (resourceName === '' || resourceName === String(broker.nodeId)) return brokerEntries(broker)
      throw new ApiError(errors.INVALID_REQUEST, `This is broker ${broker.nodeId}, not ${resourceName}`)
    default:
      throw new ApiError(errors.INVALID_REQUEST, `Resource type ${resourceType} has no configuration here`)
  }
}

function brokerEntries({ nodeId, host, port, config }: BrokerContext): ConfigEntry[] {
  return brokerConfigEntries([
    ['advertised.listeners', `PLAINTEXT://${host}:${port}`, 'string'],
    ['auto.create.topics.enable', String(config.autoCreateTopics), 'boolean'],
    ['broker.id', String(nodeId), 'int'],
    ['default.replication.factor', '1', 'int'],
    ['group.initial.rebalance.delay.ms', String(config.groupInitialRebalanceDelayMs), 'int'],
    ['group.max.session.timeout.ms', String(config.groupMaxSessionTimeoutMs), 'int'],
    ['group.min.session.timeout.ms', String(config.groupMinSessionTimeoutMs), 'int'],
    ['num.partitions', String(config.defaultPartitions), 'int'],
    ['offset.metadata.max.bytes', String(config.offsetMetadataMaxBytes), 'int'],
    ['socket.request.max.bytes', String(config.maxFrameBytes), 'int'],
    ['transaction.max.timeout.ms', String(config.transactionMaxTimeoutMs), 'int'],
  ])
}
