/** The Fastify instance, set up so that what arrives is what was sent, and nothing is guessed. */
import type { Http2SecureServer, Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify'
import type { Identity } from '../guard/guard.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the guard on every route that needs a token. */
    identity: Identity | undefined
  }
}

export type App = FastifyInstance<Http2SecureServer, Http2ServerRequest, Http2ServerResponse, FastifyBaseLogger>
export type Request = FastifyRequest<
  { Params: Record<string, string>; Querystring: Record<string, string> },
  Http2SecureServer,
  Http2ServerRequest
>
export type Reply = FastifyReply<
  { Params: Record<string, string>; Querystring: Record<string, string> },
  Http2SecureServer,
  Http2ServerRequest,
  Http2ServerResponse
>

export type AppOptions = {
  /** Answers what fails before there is a route: an address that cannot be decoded. */
  readonly onUnroutable: (error: Error, request: Request, reply: Reply) => void
  readonly tls: { readonly key: string; readonly cert: string }
  readonly bodyBytes: number
  readonly connections: number
  readonly requestsOfConnection: number
  readonly logger: FastifyBaseLogger
}

/** Longest time that a client may take to send its request. */
const requestTimeoutMs = 30_000

export function createApp(options: AppOptions): App {
  const { tls, bodyBytes, connections, requestsOfConnection, logger, onUnroutable } = options
  const app: App = Fastify({
    http2: true,
    https: {
      ...tls,
      allowHTTP1: true,
      minVersion: 'TLSv1.2',
      settings: { maxConcurrentStreams: requestsOfConnection },
    },
    loggerInstance: logger,
    // Metrics count requests; a line for each would only repeat them.
    logController: new LogController({ disableRequestLogging: true }),
    // As long as a topic's name, or an identity, may be.
    routerOptions: { maxParamLength: 255 },
    bodyLimit: bodyBytes,
    requestTimeout: requestTimeoutMs,
    exposeHeadRoutes: false,
    frameworkErrors: (error, request, reply) =>
      onUnroutable(error, request as unknown as Request, reply as unknown as Reply),
    // A body that needs repair is refused, not repaired: "12" is no amount, and unknown members are named.
    ajv: {
      customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, allErrors: true, strict: true },
    },
    onProtoPoisoning: 'error',
    onConstructorPoisoning: 'error',
  })
  app.server.maxConnections = connections
  app.decorateRequest('identity', undefined)
  // Without it, text/plain is 415 like every other type that is not JSON.
  app.removeContentTypeParser('text/plain')
  acceptEmptyBodies(app)
  return app
}

type JsonParser = (request: unknown, body: string, done: (error: Error | null, body?: unknown) => void) => void

/** No body at all is an empty one: the schema then names every field that is missing. */
function acceptEmptyBodies(app: App): void {
  const parse = app.getDefaultJsonParser('error', 'error') as unknown as JsonParser
  app.removeContentTypeParser('application/json')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body.length === 0) done(null, {})
    else parse(request, String(body), done)
  })
  app.addHook('preValidation', async (request) => {
    if (request.body === undefined && request.method !== 'GET') request.body = {}
  })
}

/** The identity that the guard put there. @throws Error on a route without guard: a bug */
export function identityOf(request: { readonly identity: Identity | undefined }): Identity {
  if (request.identity === undefined) throw new Error('This route has no guard')
  return request.identity
}
