/** What is wrong with one route of a definition, in words for its author. */
import {
  type ConsoleRoute,
  type GatewayDefinition,
  isCompacted,
  parametersOf,
  type Route,
  type TopicSpec,
  type UpsertRoute,
  type ViewRoute,
  viewNameOf,
} from './definition.ts'

export type Topics = ReadonlyMap<string, TopicSpec>

export function* faultsOfRoute(route: Route, definition: GatewayDefinition, topics: Topics): Iterable<string> {
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
