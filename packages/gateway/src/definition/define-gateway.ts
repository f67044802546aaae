/** Checks a whole definition, so that a typo is a sentence at start and not a 500 later in production. */
import {
  type ConsoleRoute,
  defaultLimits,
  type Gateway,
  type GatewayDefinition,
  isCompacted,
  parametersOf,
  type Route,
  type TopicSpec,
  type UpsertRoute,
  type ViewRoute,
  viewNameOf,
} from './definition.ts'

/** Every error of the definition, each in a sentence that names the route or topic. */
export class DefinitionError extends Error {
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

type Topics = ReadonlyMap<string, TopicSpec>

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

function* faultsOfRoute(route: Route, definition: GatewayDefinition, topics: Topics): Iterable<string> {
  if (!/^(\/([a-z0-9-]+|\{\w+\}))+$/.test(route.path)) yield 'the path is not of the form /words/{parameter}'
  if ('scope' in route && !Object.hasOwn(definition.scopes, route.scope)) {
    yield `the scope "${route.scope}" is not among the scopes`
  }
  switch (route.kind) {
    case 'command':
      yield* faultsOfParameters(parametersOf(route.path), Object.keys(route.pathHeaders ?? {}))
      if (Object.keys(route.success).length === 0) yield 'no status of success is given'
      return
    case 'upsert':
      yield* faultsOfUpsert(route, definition, topics)
      return
    case 'reply':
      yield* faultsOfParameters(parametersOf(route.path), ['correlationId'])
      return
    case 'view':
      yield* faultsOfView(route, topics, definition.routes)
      return
    case 'console':
      yield* faultsOfParameters(parametersOf(route.path), [])
      yield* faultsOfWriting(route, definition, topics)
      return
    case 'live':
      yield* faultsOfParameters(parametersOf(route.path), [])
  }
}

function* faultsOfWriting({ writing }: ConsoleRoute, { scopes }: GatewayDefinition, topics: Topics): Iterable<string> {
  if (writing === undefined) return
  if (!Object.hasOwn(scopes, writing.scope)) yield `the scope "${writing.scope}" is not among the scopes`
  for (const name of writing.topics) {
    if (!topics.has(name)) yield `the topic "${name}" is not among the topics`
  }
}

function* faultsOfParameters(given: readonly string[], expected: readonly string[]): Iterable<string> {
  const describe = (names: readonly string[]) => (names.length === 0 ? 'none' : names.join(', '))
  if ([...given].sort().join() !== [...expected].sort().join()) {
    yield `the path has the parameters ${describe(given)}, but ${describe(expected)} are used`
  }
}

function* faultsOfUpsert(route: UpsertRoute, definition: GatewayDefinition, topics: Topics): Iterable<string> {
  yield* faultsOfParameters(parametersOf(route.path), [])
  const topic = topics.get(route.topic)
  if (topic === undefined) yield `the topic "${route.topic}" is not among the topics`
  else if (!isCompacted(topic))
    yield `the topic "${route.topic}" is not compacted, so that nothing can be replaced in it`
  const view = definition.routes.find((other) => other.kind === 'view' && other.path === route.view)
  if (view?.kind !== 'view' || view.topic !== route.topic || view.show !== 'one') {
    yield `"${route.view}" is not a view of one value of the topic "${route.topic}"`
  }
}

const longestViewName = 64

function* faultsOfFind({ show, find }: ViewRoute, routes: readonly Route[]): Iterable<string> {
  if (find === undefined) return
  if (show !== 'page') yield 'only a page has "find"'
  const directory = routes.find(({ path, kind }) => kind === 'view' && path === find.directory)
  if (directory?.kind !== 'view' || directory.show !== 'directory') yield `"${find.directory}" is not a directory`
}

function* faultsOfView(route: ViewRoute, topics: Topics, routes: readonly Route[]): Iterable<string> {
  yield* faultsOfParameters(parametersOf(route.path), route.show === 'item' ? ['id'] : [])
  const topic = topics.get(route.topic)
  if (topic === undefined) {
    yield `the topic "${route.topic}" is not among the topics`
    return
  }
  const compacted = isCompacted(topic)
  if (viewNameOf(route.path).length > longestViewName) yield `the path is longer than ${longestViewName} characters`
  if (!compacted && (route.show === 'one' || route.show === 'item' || route.show === 'directory')) {
    yield `"${route.show}" needs a compacted topic, and "${route.topic}" is not`
  }
  if (route.byTime === true && (compacted || route.show !== 'list')) {
    yield '"byTime" is for a list of a topic that keeps every record'
  }
  yield* faultsOfFind(route, routes)
  if (compacted && route.show === 'page')
    yield `"page" needs a topic that keeps every record, and "${route.topic}" is compacted`
  if (route.isTraced === true && (compacted || route.owners === undefined))
    yield 'what is traced needs owners, and a topic that keeps every record'
  if ((route.show === 'directory') !== (route.search !== undefined)) yield 'a directory, and nothing else, has "search"'
  if (route.show === 'directory' && (route.owners ?? route.where) !== undefined) yield 'a directory shows every record'
  if (route.show !== 'item' && (route.owners?.length ?? 0) > 1) yield 'only an item can have several owners'
  if (route.show === 'item' && route.owners === undefined) yield 'an item needs owners, or any user could read it'
}
