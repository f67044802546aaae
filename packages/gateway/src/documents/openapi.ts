/** OpenAPI 3.1 of a definition: what a client may send and will get. */
import type { TSchema } from 'typebox'
import { recordsQuery } from '../console/console-routes.ts'
import { methodOf } from '../definition/define-gateway.ts'
import {
  type CommandRoute,
  type ConsoleRoute,
  type Gateway,
  parametersOf,
  type ReplyRoute,
  type UpsertRoute,
  type ViewRoute,
} from '../definition/definition.ts'
import { problemContentType } from '../http/problem.ts'
import { viewQuery } from '../views/view-route.ts'

type Json = Record<string, unknown>

export function openApiOf(gateway: Gateway): Json {
  const paths: Record<string, Json> = {}
  for (const route of gateway.routes) {
    if (route.kind === 'console') {
      for (const [path, operation] of consoleOperations(route)) paths[path] = { get: operation }
      continue
    }
    const operations = paths[route.path] ?? {}
    paths[route.path] = operations
    operations[methodOf(route).toLowerCase()] = operationOf(gateway, route)
  }
  return {
    openapi: '3.1.0',
    info: { title: gateway.title, version: gateway.version, description: gateway.description },
    paths,
    components: {
      schemas: { Problem: problemSchema },
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: scopesOf(gateway) },
      },
    },
  }
}

function operationOf(gateway: Gateway, route: CommandRoute | UpsertRoute | ReplyRoute | ViewRoute): Json {
  switch (route.kind) {
    case 'command':
      return commandOperation(route)
    case 'upsert':
      return upsertOperation(gateway, route)
    case 'reply':
      return replyOperation(route)
    case 'view':
      return viewOperation(gateway, route)
  }
}

function commandOperation(route: CommandRoute): Json {
  const success = Object.entries(route.success).map(([status, schema]) => [status, json('Done, on the log.', schema)])
  const refusals = route.refusals.map((status) => [String(status), problem('The service refuses; `type` tells why.')])
  return {
    ...base(route),
    parameters: [
      ...pathParameters(route.path),
      header('Idempotency-Key', 'Names the intent; made if absent, always returned. Keep it on every retry.', 255),
      header('Prefer', '`respond-async`: 202 at once; `wait=N`: at most N seconds.', 255),
    ],
    requestBody: { required: true, content: { 'application/json': { schema: route.body } } },
    responses: {
      ...Object.fromEntries(refusals),
      ...Object.fromEntries(success),
      202: { description: 'Taken; the reply will be at Location.', headers: location },
      ...edgeProblems([400, 401, 413, 415, 429, 503]),
      504: { ...problem('No reply in time; it will be at Location.'), headers: location },
    },
  }
}

function upsertOperation(gateway: Gateway, route: UpsertRoute): Json {
  return {
    ...base(route),
    parameters: [
      header('If-Match', 'The ETag that the form was filled from.', 255),
      header('If-None-Match', '`*`: create only.', 255),
    ],
    requestBody: { required: true, content: { 'application/json': { schema: route.body } } },
    responses: {
      200: json('Written.', gateway.topic(route.topic).valueSchema),
      ...edgeProblems([400, 401, 403, 412, 413, 415, 429, 503, 504]),
    },
  }
}

function replyOperation(route: ReplyRoute): Json {
  return {
    summary: route.summary,
    security: [{ bearer: [] }],
    parameters: pathParameters(route.path),
    responses: {
      default: { description: "The reply's own status and body." },
      202: { description: 'It may still come.' },
      ...edgeProblems([401, 404, 503]),
    },
  }
}

function viewOperation(gateway: Gateway, route: ViewRoute): Json {
  const value = gateway.topic(route.topic).valueSchema
  const content: Json = {
    'application/json': { schema: shapeOf(route, value) },
    'text/event-stream': { schema: { type: 'string', description: 'Data of each event: a value. See AsyncAPI.' } },
  }
  if (route.csv !== undefined) content['text/csv'] = { schema: { type: 'string' } }
  return {
    ...base(route),
    parameters: [
      ...pathParameters(route.path),
      ...queryParameters(viewQuery(route)),
      header('If-None-Match', 'JSON: 304 if nothing has changed.', 1024),
      header('Last-Event-ID', 'Stream: go on after this event.', 255),
    ],
    responses: {
      200: {
        description: 'History, then live, or a snapshot.',
        headers: { ETag: { schema: { type: 'string' } } },
        content,
      },
      304: { description: 'Nothing has changed.' },
      ...edgeProblems([400, 401, 403, 404, 406, 429, 503]),
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
    case 'one':
    case 'item':
      return value
  }
}

function consoleOperations(route: ConsoleRoute): [string, Json][] {
  const records = {
    ...base(route),
    parameters: [
      ...pathParameters('{topic}'),
      ...queryParameters(recordsQuery),
      header('Last-Event-ID', 'Go on after this event.', 255),
    ],
    responses: {
      200: { description: 'Records.', content: { 'application/json': {}, 'text/event-stream': {} } },
      ...edgeProblems([400, 401, 403, 404, 406, 429]),
    },
  }
  const topics = {
    ...base(route),
    responses: {
      200: { description: 'All topics.', content: { 'application/json': {} } },
      ...edgeProblems([401, 403]),
    },
  }
  return [
    [`${route.path}/topics`, topics],
    [`${route.path}/topics/{topic}/records`, records],
  ]
}

function base({ summary, scope }: { readonly summary: string; readonly scope: string }): Json {
  return { summary, security: [{ bearer: [scope] }] }
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
  400: 'Malformed; every field is named.',
  401: 'No valid token.',
  403: 'The token lacks the permission.',
  404: 'There is none, or it is not yours.',
  406: 'No such representation.',
  412: 'It was changed since.',
  413: 'The body is too large.',
  415: 'The body is not JSON.',
  429: 'Too many; Retry-After tells when.',
  503: 'Surely nothing was written; try again.',
  504: 'The outcome is unknown.',
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
  return parametersOf(path).map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } }))
}

function queryParameters(query: { readonly properties: Readonly<Record<string, unknown>> }): Json[] {
  return Object.entries(query.properties).map(([name, schema]) => ({ name, in: 'query', schema }))
}

function header(name: string, description: string, maxLength: number): Json {
  return { name, in: 'header', description, schema: { type: 'string', maxLength } }
}

function scopesOf({ scopes }: Gateway): string {
  return `Scopes: ${Object.entries(scopes)
    .map(([name, words]) => `\`${name}\` (${words})`)
    .join(', ')}.`
}
