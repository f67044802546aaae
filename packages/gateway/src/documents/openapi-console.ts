/** The operations of a route for operators: what they read of the log, and what they may write. */
import { recordBody } from '../commands/operator-routes.ts'
import { recordsQuery } from '../console/console-routes.ts'
import { consoleView } from '../console/topic-position.ts'
import { type ConsoleRoute, consolePaths, consoleWritingPaths } from '../definition/definition.ts'
import {
  base,
  bodyOf,
  edgeProblems,
  eventsOf,
  type Json,
  lastEventIdHeader,
  pathParameters,
  queryParameters,
} from './openapi-parts.ts'

export function consoleOperations(route: ConsoleRoute): [string, Json][] {
  const of = (name: keyof typeof consolePaths, summary: string, more: Json): [string, Json] => {
    const path = `${route.path}${consolePaths[name]}`
    return [path, { ...base({ ...route, path, summary }, 'get', 'console'), ...more }]
  }
  const jsonOf = (description: string, statuses: readonly number[]) => ({
    responses: {
      200: { description, content: { 'application/json': {} } },
      ...edgeProblems(statuses),
    },
  })
  const lists = [400, 401, 403, 408, 429, 431, 503]
  return [
    of(
      'topics',
      'Every topic: partitions, leaders, replicas, offsets, sizes and configuration.',
      jsonOf('At most 500.', lists),
    ),
    of('records', 'Records of a topic, or its stream.', {
      parameters: [
        ...pathParameters('{topic}'),
        ...queryParameters(recordsQuery, consoleView),
        lastEventIdHeader('Continue after this event.', consoleView),
      ],
      responses: {
        200: {
          description: 'Records.',
          content: { 'application/json': {}, 'text/event-stream': eventsOf('a record') },
        },
        ...edgeProblems([400, 401, 403, 404, 406, 408, 429, 431, 503]),
      },
    }),
    of(
      'groups',
      'Consumer groups: state, members, and how many offsets they are behind.',
      jsonOf('At most 100; `missing` says what the log does not provide.', lists),
    ),
    of('group', 'A consumer group: its members, and its lag by partition with its age.', {
      parameters: pathParameters('{group}'),
      ...jsonOf('At most 1,000 partitions; the age of at most 64 of them.', [400, 401, 403, 404, 408, 429, 431, 503]),
    }),
    of(
      'transactions',
      'Transactions that are open, and the last stable offsets that they hold back.',
      jsonOf('At most 100 transactions and 200 partitions; `missing` says what the log does not provide.', lists),
    ),
    ...(route.writing === undefined
      ? []
      : [
          of('letter', 'Whether a dead letter may be put back.', {
            parameters: pathParameters('{partition}/{offset}'),
            ...jsonOf('`refusal` says why not, or is null.', [400, 401, 403, 404, 408, 429, 431, 503]),
          }),
        ]),
  ]
}

export function writingOperations(route: ConsoleRoute): [string, Json][] {
  const { writing } = route
  if (writing === undefined) return []
  const of = (name: keyof typeof consoleWritingPaths, summary: string, more: Json): [string, Json] => {
    const path = `${route.path}${consoleWritingPaths[name]}`
    return [path, { ...base({ path, summary, scope: writing.scope }, 'post', 'console'), ...more }]
  }
  const records = `Writes a record by hand, only to ${writing.topics.join(' or ')}; the identity in its headers is the caller's.`
  return [
    of('records', records, {
      parameters: pathParameters('{topic}'),
      requestBody: bodyOf(recordBody),
      responses: {
        201: { description: 'Where it is.', content: { 'application/json': {} } },
        ...edgeProblems([400, 401, 403, 408, 413, 415, 429, 431, 503, 504]),
      },
    }),
    of('letter', 'Puts a dead letter back, if that is allowed.', {
      parameters: pathParameters('{partition}/{offset}'),
      responses: {
        200: { description: '`kind` is refused, written or failed.', content: { 'application/json': {} } },
        ...edgeProblems([400, 401, 403, 404, 408, 413, 415, 429, 431, 503]),
      },
    }),
  ]
}
