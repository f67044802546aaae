/** OpenAPI 3.1 of a definition: the requests that a client may send, and their responses. */
import { methodOf } from '../definition/define-gateway.ts'
import type { Gateway } from '../definition/definition.ts'
import { consoleOperations, writingOperations } from './openapi-console.ts'
import { operationOf } from './openapi-operation.ts'
import { edgeProblems, type Json, pathParameters, tags } from './openapi-parts.ts'

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

function isUsed(tag: string, paths: Record<string, Json>): boolean {
  return Object.values(paths).some((operations) =>
    Object.values(operations as Record<string, { tags: readonly string[] }>).some((each) => each.tags.includes(tag)),
  )
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

function scopesOf({ scopes }: Gateway): string {
  return `Scopes: ${Object.entries(scopes)
    .map(([name, words]) => `\`${name}\` (${words})`)
    .join(', ')}.`
}
