/** AsyncAPI 3 of a definition: the topics behind the gateway, its writes and its reads. */
import { type Gateway, isCompacted, type Route, type TopicSpec } from '../definition/definition.ts'

type Json = Record<string, unknown>

/**
 * The AsyncAPI 3.1 document of a gateway, which it serves as `/asyncapi.json`: a channel for each topic, and the gateway's
 * writes and reads.
 */
export function asyncApiOf(gateway: Gateway): Json {
  const channels: Json = {}
  const operations: Json = {}
  for (const topic of gateway.topics) {
    channels[topic.name] = channelOf(topic, gateway)
    const used = usesOf(topic, gateway)
    if (used.writes) operations[`write-${topic.name}`] = operationOf('send', topic, used.writes)
    if (used.reads) operations[`read-${topic.name}`] = operationOf('receive', topic, used.reads)
  }
  return {
    asyncapi: '3.1.0',
    info: { title: gateway.title, version: gateway.version, description: gateway.description },
    defaultContentType: 'application/json',
    channels,
    operations,
  }
}

function channelOf(topic: TopicSpec, gateway: Gateway): Json {
  return {
    address: topic.name,
    description: topic.description,
    messages: {
      record: {
        name: topic.name,
        payload: topic.valueSchema,
        ...headersOf(topic, gateway),
        bindings: { kafka: { key: { type: 'string', description: topic.key } } },
      },
    },
    bindings: { kafka: { topicConfiguration: configurationOf(topic), bindingVersion: '0.5.0' } },
    ...(isCompacted(topic) ? { summary: 'Compacted: the newest record of each key; a tombstone deletes.' } : {}),
  }
}

/** In the form of the Kafka binding: lists and integers, not Kafka's own texts. */
function configurationOf({ config }: TopicSpec): Json {
  const typed = Object.entries(config).map(([name, text]) => {
    if (name === 'cleanup.policy') return [name, text.split(',')]
    return [name, /^-?\d+$/.test(text) ? Number(text) : text]
  })
  return Object.fromEntries(typed)
}

function headersOf(topic: TopicSpec, { headers, commandTopic, replyTopic }: Gateway): Json {
  if (topic.name !== commandTopic && topic.name !== replyTopic) return {}
  const names =
    topic.name === commandTopic
      ? [
          headers.domainModel,
          headers.identity,
          headers.correlationId,
          headers.replyTo,
          headers.idempotencyKey,
          headers.contentType,
          headers.traceparent,
        ]
      : [
          headers.status,
          headers.replyIdentity,
          headers.correlationId,
          headers.idempotencyKey,
          headers.replayed,
          headers.retryAfter,
          headers.contentType,
        ]
  return {
    headers: { type: 'object', properties: Object.fromEntries(names.map((name) => [name, { type: 'string' }])) },
  }
}

/** In words, or undefined if the gateway does not write or read it. */
function usesOf(topic: TopicSpec, gateway: Gateway): { readonly writes?: string; readonly reads?: string } {
  const paths = (kind: Route['kind']) =>
    gateway.routes
      .filter((route) => route.kind === kind && 'topic' in route && route.topic === topic.name)
      .map(({ path }) => path)
  const upserts = paths('upsert')
  const views = paths('view')
  const writes = [
    ...(topic.name === gateway.commandTopic
      ? gateway.routes.filter(({ kind }) => kind === 'command').map(({ path }) => path)
      : []),
    ...upserts,
  ]
  const reads = topic.name === gateway.replyTopic ? ['every command'] : views
  return {
    ...(writes.length === 0 ? {} : { writes: `For ${writes.join(', ')}.` }),
    ...(reads.length === 0 ? {} : { reads: `For ${reads.join(', ')}.` }),
  }
}

function operationOf(action: 'send' | 'receive', topic: TopicSpec, summary: string): Json {
  return { action, summary, channel: { $ref: `#/channels/${topic.name}` } }
}
