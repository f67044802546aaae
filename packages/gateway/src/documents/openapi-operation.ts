/** The operation of a route for users of the application. */
import type { TSchema } from 'typebox'
import { keyPattern, longestKey } from '../commands/idempotency-key.ts'
import {
  type CommandRoute,
  type Gateway,
  type LiveRoute,
  type ReplyRoute,
  type UpsertRoute,
  type ViewRoute,
  viewNameOf,
} from '../definition/definition.ts'
import { liveQuery } from '../queries/live-route.ts'
import { viewQuery } from '../queries/view-route.ts'
import {
  base,
  bodyOf,
  edgeProblems,
  eventsOf,
  header,
  idOf,
  type Json,
  json,
  lastEventIdHeader,
  location,
  pathParameters,
  pending,
  problem,
  queryParameters,
  tags,
} from './openapi-parts.ts'

export function operationOf(
  gateway: Gateway,
  route: CommandRoute | UpsertRoute | ReplyRoute | ViewRoute | LiveRoute,
): Json {
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
