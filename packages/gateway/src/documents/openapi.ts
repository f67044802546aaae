/** OpenAPI 3.1 of a definition: the requests that a client may send, and their responses. */
import type { TSchema } from 'typebox'
import { keyPattern, longestKey } from '../commands/idempotency-key.ts'
import { recordBody } from '../commands/operator-routes.ts'
import { recordsQuery } from '../console/console-routes.ts'
import { consoleView } from '../console/topic-position.ts'
import { methodOf } from '../definition/define-gateway.ts'
import {
  type CommandRoute,
  type ConsoleRoute,
  consolePaths,
  consoleWritingPaths,
  type Gateway,
  type LiveRoute,
  parametersOf,
  pathText,
  type ReplyRoute,
  type UpsertRoute,
  type ViewRoute,
  viewNameOf,
} from '../definition/definition.ts'
import { liveQuery } from '../queries/live-route.ts'
import { viewQuery } from '../queries/view-route.ts'
import { eventIdPattern, longestEventId } from '../shared/event-id.ts'
import { problemContentType } from '../shared/problem.ts'

type Json = Record<string, unknown>

/** The OpenAPI 3.1 document of a gateway, which it serves as `/openapi.json`: its routes, and the gateway's own responses. */
export function openApiOf(gateway: Gateway): Json {
  const paths: Record<string, Json> = {}
  for (const route of gateway.routes) {
    if (route.kind === 'console') {
      for (const [path, operation] of consoleOperations(route)) paths[path] = { get: operation }
      for (const [path, operation] of writingOperations(route)) paths[path] = { ...paths[path], post: operation }
      continue
    }
    const operations = paths[route.path] ?? {}
    paths[route.path] = operations
    operations[methodOf(route).toLowerCase()] = operationOf(gateway, route)
  }
  return {
    openapi: '3.1.0',
    info: {
      title: gateway.title,
      version: gateway.version,
      description: gateway.description,
      ...(gateway.license === undefined ? {} : { license: gateway.license }),
    },
    servers: [{ url: '/', description: 'The gateway that serves this document.' }],
    tags: Object.values(tags).filter(({ name }) => isUsed(name, { ...paths, ...ofGatewayItself })),
    paths: { ...paths, ...ofGatewayItself },
    components: {
      schemas: { Problem: problemSchema },
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: scopesOf(gateway) },
      },
    },
  }
}

/** The groups in which operations are listed. */
const tags = {
  commands: {
    name: 'Commands',
    description: 'Send a command. The answer has its outcome, once the outcome is on the log.',
  },
  views: {
    name: 'Views',
    description:
      'Views of the log, as JSON or, with `Accept: text/event-stream`, as a continuous stream of Server-Sent Events.',
  },
  console: { name: 'Console', description: 'The topics and records of the log, for operators.' },
  health: { name: 'Health', description: 'The state of the gateway itself.' },
} as const

function isUsed(tag: string, paths: Record<string, Json>): boolean {
  return Object.values(paths).some((operations) =>
    Object.values(operations as Record<string, { tags: readonly string[] }>).some((each) => each.tags.includes(tag)),
  )
}

function operationOf(gateway: Gateway, route: CommandRoute | UpsertRoute | ReplyRoute | ViewRoute | LiveRoute): Json {
  switch (route.kind) {
    case 'command':
      return commandOperation(route)
    case 'upsert':
      return upsertOperation(gateway, route)
    case 'reply':
      return replyOperation(gateway, route)
    case 'view':
      return viewOperation(gateway, route)
    case 'live':
      return liveOperation(route)
  }
}

function commandOperation(route: CommandRoute): Json {
  const success = Object.entries(route.success).map(([status, schema]) => [
    status,
    json('Done; the outcome is on the log.', schema),
  ])
  const refusals = route.refusals.map((status) => [String(status), problem('The service refuses; `type` says why.')])
  return {
    ...base(route, 'post', 'commands'),
    parameters: [
      ...pathParameters(route.path),
      {
        ...header('Idempotency-Key', 'Names the intent: a new one for each intent, the same on every retry.'),
        required: true,
        schema: { type: 'string', minLength: 1, maxLength: longestKey, pattern: keyPattern },
      },
      header('Prefer', '`respond-async`: 202 at once; `wait=N`: at most N seconds.'),
    ],
    requestBody: bodyOf(route.body, route.example),
    responses: {
      ...edgeProblems([400, 401, 403, 408, 413, 415, 429, 431, 503]),
      ...Object.fromEntries(refusals),
      ...Object.fromEntries(success),
      202: { ...pending('Accepted; the reply will be at Location.'), headers: location },
      504: { ...problem('No reply in time; it will be at Location.'), headers: location },
    },
  }
}

function upsertOperation(gateway: Gateway, route: UpsertRoute): Json {
  return {
    ...base(route, 'put', 'commands'),
    parameters: [
      header('If-Match', 'The ETag of the version that the change is based on.'),
      header('If-None-Match', '`*`: create only.'),
    ],
    requestBody: bodyOf(route.body, route.example),
    responses: {
      200: json('Written.', gateway.topic(route.topic).valueSchema),
      ...edgeProblems([400, 401, 403, 408, 412, 413, 415, 429, 431, 503, 504]),
    },
  }
}

function replyOperation({ routes }: Gateway, route: ReplyRoute): Json {
  const commands = routes.filter(({ kind }) => kind === 'command') as CommandRoute[]
  const statuses = (of: (command: CommandRoute) => readonly (string | number)[]) => [...new Set(commands.flatMap(of))]
  const successes = statuses(({ success }) => Object.keys(success)).map((status) => {
    const anyOf = [...new Set(commands.flatMap(({ success }) => success[Number(status)] ?? []))]
    const schema = anyOf.length === 1 ? anyOf[0] : { anyOf }
    return [status, { description: 'The reply.', content: { 'application/json': { schema } } }]
  })
  const refusals = statuses((command) => command.refusals).map((status) => [status, problem('The reply: a refusal.')])
  return {
    operationId: idOf('get', route.path),
    tags: [tags.commands.name],
    summary: route.summary,
    security: [{ bearer: [] }],
    parameters: pathParameters(route.path),
    responses: {
      ...Object.fromEntries([...successes, ...refusals]),
      202: pending('The reply may still come.'),
      ...edgeProblems([400, 401, 403, 404, 408, 429, 431, 503]),
    },
  }
}

function viewOperation(gateway: Gateway, route: ViewRoute): Json {
  const value = gateway.topic(route.topic).valueSchema
  const content: Json = {
    'application/json': { schema: shapeOf(route, value) },
    'text/event-stream': eventsOf('a value'),
  }
  if (route.csv !== undefined) content['text/csv'] = { schema: { type: 'string' } }
  return {
    ...base(route, 'get', 'views'),
    parameters: [
      ...pathParameters(route.path),
      ...queryParameters(viewQuery(route), viewNameOf(route.path)),
      header('If-None-Match', 'JSON: 304 if nothing has changed.'),
      lastEventIdHeader('Stream: continue after this event.', viewNameOf(route.path)),
    ],
    responses: {
      200: {
        description: 'The history, then live events; or a snapshot.',
        headers: {
          ETag: { schema: { type: 'string' } },
          ...(route.show === 'list' ? { Link: { description: older, schema: { type: 'string' } } } : {}),
        },
        content,
      },
      304: { description: 'Nothing has changed.' },
      ...edgeProblems([400, 401, 403, 404, 406, 408, 429, 431, 503]),
    },
  }
}

const older = 'If there are older records: the address of those before these, `rel="next"`.'

function liveOperation(route: LiveRoute): Json {
  const description = [
    'Each event is named `<index>:<event>`, with the id `<index>:<id>`: the index of its view in the request, from 0.',
    '`message` has a value, `delete` the key of one that is gone, `caught-up` ends the history, `reset` says that this view starts again from its beginning.',
    'To continue, repeat the request with `lastEventId=<id>`, the last of each view without its index, in the query of that view.',
    '`challenge` and `expired` have no index: they concern the whole stream, because all its views share one token.',
  ].join(' ')
  return {
    operationId: idOf('get', route.path),
    tags: [tags.views.name],
    summary: route.summary,
    security: [{ bearer: [] }],
    parameters: [
      {
        name: 'view',
        in: 'query',
        required: true,
        description: 'Path and query of a view, encoded: `/activities?last=20` is `view=%2Factivities%3Flast%3D20`.',
        schema: liveQuery.properties.view,
        style: 'form',
        explode: true,
      },
    ],
    responses: {
      200: { description, content: { 'text/event-stream': eventsOf('a value of that view') } },
      ...edgeProblems([400, 401, 403, 404, 406, 408, 429, 431, 503]),
    },
  }
}

/** Before OpenAPI 3.2, which has `itemSchema` for it, `schema` describes each event. */
function eventsOf(what: string): Json {
  const text = { type: 'string' }
  const data = { ...text, contentMediaType: 'application/json', description: `${what}; see AsyncAPI` }
  return { schema: { type: 'object', required: ['data'], properties: { id: text, event: text, data } } }
}

function shapeOf(route: ViewRoute, value: TSchema): unknown {
  switch (route.show) {
    case 'list':
      return { type: 'array', items: value }
    case 'page':
      return {
        type: 'object',
        required: ['items', 'before'],
        properties: { items: { type: 'array', items: value }, before: { type: ['string', 'null'] } },
      }
    case 'directory':
      return {
        type: 'object',
        description: 'A page may be short or empty and still have a `next`: then there may be more.',
        required: ['items'],
        properties: { items: { type: 'array', items: value }, next: { type: 'string' } },
      }
    case 'one':
    case 'item':
      return value
  }
}

function consoleOperations(route: ConsoleRoute): [string, Json][] {
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

function writingOperations(route: ConsoleRoute): [string, Json][] {
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

type Described = { readonly path: string; readonly summary: string; readonly scope: string }

function base({ path, summary, scope }: Described, method: string, tag: keyof typeof tags): Json {
  return { operationId: idOf(method, path), tags: [tags[tag].name], summary, security: [{ bearer: [scope] }] }
}

/** `get /tasks/{id}` is `get-tasks-id`. */
function idOf(method: string, path: string): string {
  return `${method}${path.replaceAll(/[{}]/g, '').replaceAll('/', '-')}`
}

function bodyOf(schema: TSchema, example?: unknown): Json {
  const description =
    'JSON in UTF-8. The names of members must be unique, and numbers exact: one that would be rounded to an integer is refused. Otherwise the answer is 400.'
  // A missing body counts as an empty one.
  const required = 'required' in schema && Array.isArray(schema.required) && schema.required.length > 0
  const content = { schema, ...(example === undefined ? {} : { example }) }
  return { required, description, content: { 'application/json': content } }
}

function pending(description: string): Json {
  const schema = { type: 'object', required: ['status'], properties: { status: { const: 'pending' } } }
  return { description, content: { 'application/json': { schema } } }
}

function json(description: string, schema: TSchema): Json {
  return { description, content: { 'application/json': { schema } } }
}

function problem(description: string): Json {
  return { description, content: { [problemContentType]: { schema: { $ref: '#/components/schemas/Problem' } } } }
}

function edgeProblems(statuses: readonly number[]): Json {
  return Object.fromEntries(statuses.map((status) => [status, problem(edgeWords[status] ?? 'Refused.')]))
}

const edgeWords: Readonly<Record<number, string>> = {
  400: 'Malformed; the problem says what is wrong.',
  401: 'No valid token.',
  403: 'The token lacks the permission.',
  404: 'There is none, or it is not yours.',
  406: 'No such representation.',
  408: 'The request did not come in time (HTTP/1.1).',
  412: 'It was changed since.',
  413: 'The body is too large.',
  415: 'The body is not JSON in UTF-8.',
  429: 'Too many; Retry-After says when to try again.',
  431: 'The header fields are too large together (HTTP/1.1).',
  503: 'Nothing was written; try again.',
  504: 'The outcome is unknown.',
}

/** The paths that every gateway has. */
const ofGatewayItself: Record<string, Json> = {
  '/streams/{streamId}/token': {
    post: {
      operationId: 'post-streams-token',
      tags: [tags.views.name],
      summary: 'Answers the `challenge` of an open stream: the new token is the one of this request.',
      security: [{ bearer: [] }],
      parameters: pathParameters('/streams/{streamId}/token'),
      responses: {
        204: { description: 'The stream continues.' },
        ...edgeProblems([400, 401, 403, 404, 408, 413, 415, 429, 431, 503]),
      },
    },
  },
  '/health/live': {
    get: {
      operationId: 'get-health-live',
      tags: [tags.health.name],
      summary: 'Whether the gateway answers.',
      security: [],
      responses: {
        200: { description: 'It does.', content: { 'application/json': {} } },
        ...edgeProblems([400, 408, 429, 431]),
      },
    },
  },
  '/health/ready': {
    get: {
      operationId: 'get-health-ready',
      tags: [tags.health.name],
      summary: 'Whether requests should be sent here.',
      security: [],
      responses: {
        200: { description: 'They should.', content: { 'application/json': {} } },
        503: { description: 'Not now.', content: { 'application/json': {} } },
        ...edgeProblems([400, 408, 429, 431]),
      },
    },
  },
}

const location = { Location: { schema: { type: 'string' } } }

const problemSchema = {
  type: 'object',
  description: 'RFC 9457.',
  required: ['type', 'title', 'status', 'detail'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    errors: {
      type: 'array',
      items: { type: 'object', properties: { field: { type: 'string' }, message: { type: 'string' } } },
    },
    scope: { type: 'string' },
  },
}

function pathParameters(path: string): Json[] {
  return parametersOf(path).map((name) => ({ name, in: 'path', required: true, schema: pathText }))
}

type Query = {
  readonly properties: Readonly<Record<string, object>>
  readonly required?: readonly string[] | undefined
}

function queryParameters({ properties, required = [] }: Query, view: string): Json[] {
  return Object.entries(properties).map(([name, schema]) => {
    const told = name === 'lastEventId' ? { ...schema, pattern: eventIdPattern(view) } : schema
    return { name, in: 'query', ...(required.includes(name) && { required: true }), schema: told }
  })
}

function header(name: string, description: string): Json {
  return { name, in: 'header', description, schema: { type: 'string' } }
}

function lastEventIdHeader(description: string, view: string): Json {
  const schema = { type: 'string', maxLength: longestEventId, pattern: eventIdPattern(view) }
  return { name: 'Last-Event-ID', in: 'header', description, schema }
}

function scopesOf({ scopes }: Gateway): string {
  return `Scopes: ${Object.entries(scopes)
    .map(([name, words]) => `\`${name}\` (${words})`)
    .join(', ')}.`
}
