/** Parts of an OpenAPI document that several operations have. */
import type { TSchema } from 'typebox'
import { parametersOf, pathText } from '../definition/definition.ts'
import { eventIdPattern, longestEventId } from '../shared/event-id.ts'
import { problemContentType } from '../shared/problem.ts'

export type Json = Record<string, unknown>

/** The groups in which operations are listed. */
export const tags = {
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

/** Before OpenAPI 3.2, which has `itemSchema` for it, `schema` describes each event. */
export function eventsOf(what: string): Json {
  const text = { type: 'string' }
  const data = { ...text, contentMediaType: 'application/json', description: `${what}; see AsyncAPI` }
  return { schema: { type: 'object', required: ['data'], properties: { id: text, event: text, data } } }
}

type Described = { readonly path: string; readonly summary: string; readonly scope: string }

export function base({ path, summary, scope }: Described, method: string, tag: keyof typeof tags): Json {
  return { operationId: idOf(method, path), tags: [tags[tag].name], summary, security: [{ bearer: [scope] }] }
}

/** `get /tasks/{id}` is `get-tasks-id`. */
export function idOf(method: string, path: string): string {
  return `${method}${path.replaceAll(/[{}]/g, '').replaceAll('/', '-')}`
}

export function bodyOf(schema: TSchema, example?: unknown): Json {
  const description =
    'JSON in UTF-8. The names of members must be unique, and numbers exact: one that would be rounded to an integer is refused. Otherwise the answer is 400.'
  // A missing body counts as an empty one.
  const required = 'required' in schema && Array.isArray(schema.required) && schema.required.length > 0
  const content = { schema, ...(example === undefined ? {} : { example }) }
  return { required, description, content: { 'application/json': content } }
}

export function pending(description: string): Json {
  const schema = { type: 'object', required: ['status'], properties: { status: { const: 'pending' } } }
  return { description, content: { 'application/json': { schema } } }
}

export function json(description: string, schema: TSchema): Json {
  return { description, content: { 'application/json': { schema } } }
}

export function problem(description: string): Json {
  return { description, content: { [problemContentType]: { schema: { $ref: '#/components/schemas/Problem' } } } }
}

export function edgeProblems(statuses: readonly number[]): Json {
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

export function pathParameters(path: string): Json[] {
  return parametersOf(path).map((name) => ({ name, in: 'path', required: true, schema: pathText }))
}

type Query = {
  readonly properties: Readonly<Record<string, object>>
  readonly required?: readonly string[] | undefined
}

export function queryParameters({ properties, required = [] }: Query, view: string): Json[] {
  return Object.entries(properties).map(([name, schema]) => {
    const told = name === 'lastEventId' ? { ...schema, pattern: eventIdPattern(view) } : schema
    return { name, in: 'query', ...(required.includes(name) && { required: true }), schema: told }
  })
}

export function header(name: string, description: string): Json {
  return { name, in: 'header', description, schema: { type: 'string' } }
}

export function lastEventIdHeader(description: string, view: string): Json {
  const schema = { type: 'string', maxLength: longestEventId, pattern: eventIdPattern(view) }
  return { name: 'Last-Event-ID', in: 'header', description, schema }
}

/** Where the reply to a command will be. */
export const location = { Location: { schema: { type: 'string' } } }
