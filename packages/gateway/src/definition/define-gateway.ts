/** Checks a whole definition, so that a typo is a sentence at start and not a 500 later in production. */
import { defaultLimits, type Gateway, type GatewayDefinition, isCompacted, type Route } from './definition.ts'
import { faultsOfRoute, type Topics } from './route-faults.ts'

/** Every error of the definition, each in a sentence that names the route or topic. */
export class DefinitionError extends Error {
  /** Stable, for programs; the message is for people and may change. */
  readonly code = 'invalid-definition'
  /** One sentence for each error of the definition. */
  readonly faults: readonly string[]

  constructor(faults: readonly string[]) {
    super(
      `The gateway's definition has ${faults.length} fault(s):\n${faults.map((fault) => `  - ${fault}`).join('\n')}`,
    )
    this.name = 'DefinitionError'
    this.faults = faults
  }
}

/**
 * Checks a whole definition, and adds the default of each limit that it leaves out.
 * @throws DefinitionError that names all errors
 * @example
 * ```ts
 * import { defineGateway, type GatewayDefinition, openApiOf } from '@streampay/gateway'
 * import { Object as Struct, String as Text } from 'typebox'
 *
 * const note = Struct({ text: Text({ maxLength: 280 }) })
 * const topicOf = (name: string, key: string, policy: 'delete' | 'compact') => {
 *   return { name, description: name, key, config: { 'cleanup.policy': policy }, valueSchema: note }
 * }
 * const definition: GatewayDefinition = {
 *   name: 'notes',
 *   title: 'Notes',
 *   version: '1.0.0',
 *   description: 'Everybody has one note.',
 *   scopes: { 'read:notes': 'read the own note', 'write:notes': 'write it' },
 *   isReserved: (identity) => identity === 'system',
 *   headers: {
 *     domainModel: 'model',
 *     identity: 'identity',
 *     correlationId: 'correlation-id',
 *     replyTo: 'reply-to',
 *     idempotencyKey: 'idempotency-key',
 *     replayed: 'idempotency-replayed',
 *     contentType: 'content-type',
 *     traceparent: 'traceparent',
 *     status: ':status',
 *     replyIdentity: 'reply-identity',
 *     retryAfter: 'retry-after',
 *   },
 *   topics: [
 *     topicOf('commands', 'identity', 'delete'),
 *     topicOf('replies', 'correlation id', 'delete'),
 *     topicOf('notes', 'identity', 'compact'),
 *   ],
 *   commandTopic: 'commands',
 *   replyTopic: 'replies',
 *   routes: [
 *     {
 *       kind: 'upsert',
 *       path: '/current-note',
 *       summary: 'Writes the own note.',
 *       scope: 'write:notes',
 *       topic: 'notes',
 *       body: note,
 *       valueOf: (_identity, body) => body,
 *       view: '/current-note',
 *     },
 *     {
 *       kind: 'view',
 *       path: '/current-note',
 *       summary: 'The own note.',
 *       scope: 'read:notes',
 *       topic: 'notes',
 *       show: 'one',
 *       owners: ['key'],
 *     },
 *   ],
 * }
 * const gateway = defineGateway(definition)
 * console.log(gateway.limits.bodyBytes) // → 16384
 * console.log(openApiOf(gateway).openapi) // → 3.1.0
 * ```
 */
export function defineGateway(definition: GatewayDefinition): Gateway {
  const topics = new Map(definition.topics.map((topic) => [topic.name, topic]))
  const faults = [...faultsOfWhole(definition, topics)]
  for (const route of definition.routes) {
    for (const fault of faultsOfRoute(route, definition, topics)) faults.push(`${route.path}: ${fault}`)
  }
  if (faults.length > 0) throw new DefinitionError(faults)
  return {
    ...definition,
    limits: { ...defaultLimits, ...definition.limits },
    topic: (name) => {
      const found = topics.get(name)
      if (found === undefined) throw new DefinitionError([`there is no topic "${name}"`])
      return found
    },
  }
}

/** Limits that may be 0: a view then waits for nothing, and no trace is sampled. */
const mayBeNothing: ReadonlySet<string> = new Set(['viewLingerMs', 'tracesPerSecond'])

function* faultsOfWhole(definition: GatewayDefinition, topics: Topics): Iterable<string> {
  if (!/^[a-z][a-z0-9-]*$/.test(definition.name)) yield `the name "${definition.name}" is not in lower-case kebab form`
  if (topics.size < definition.topics.length) yield 'a topic is in the list twice'
  if (!topics.has(definition.commandTopic))
    yield `the command topic "${definition.commandTopic}" is not among the topics`
  if (!topics.has(definition.replyTopic)) yield `the reply topic "${definition.replyTopic}" is not among the topics`
  const { setAsideTopic, spanTopic } = definition
  if (spanTopic !== undefined && !topics.has(spanTopic))
    yield `the topic of spans "${spanTopic}" is not among the topics`
  const notes = setAsideTopic === undefined ? undefined : topics.get(setAsideTopic)
  if (setAsideTopic !== undefined && notes === undefined) {
    yield `the topic of set-aside records, "${setAsideTopic}", is not among the topics`
  } else if (notes !== undefined && !isCompacted(notes)) {
    yield `the topic of set-aside records, "${setAsideTopic}", is not compacted`
  }
  const seen = new Set<string>()
  for (const route of definition.routes) {
    const address = `${methodOf(route)} ${route.path}`
    if (seen.has(address)) yield `${address} is defined twice`
    seen.add(address)
  }
  for (const [name, value] of Object.entries(definition.limits ?? {})) {
    const least = mayBeNothing.has(name) ? 0 : 1
    if (!Number.isSafeInteger(value) || value < least)
      yield `the limit ${name} must be an integer from ${least}, not ${value}`
  }
}

export function methodOf(route: Route): 'GET' | 'POST' | 'PUT' {
  switch (route.kind) {
    case 'command':
      return 'POST'
    case 'upsert':
      return 'PUT'
    case 'reply':
    case 'view':
    case 'live':
    case 'console':
      return 'GET'
  }
}
