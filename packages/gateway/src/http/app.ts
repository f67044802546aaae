/** The Fastify instance, set up so that requests are neither corrected nor guessed. */
import type { Http2SecureServer, Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { Socket } from 'node:net'
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify'
import type { Limits } from '../definition/definition.ts'
import type { Identity } from '../guard/guard.ts'
import { answerUnreadable } from './unreadable.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The guard sets it on every route that needs a token. */
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
  /** Answers errors that occur before a route is found: a path that cannot be decoded. */
  readonly onUnroutable: (error: Error, request: Request, reply: Reply) => void
  readonly tls: { readonly key: string; readonly cert: string }
  /** Namespace of the problem types. */
  readonly namespace: string
  readonly limits: Pick<Limits, 'bodyBytes' | 'requestsOfConnection'>
  /** Of Node's server: the time limits of a connection's phases. */
  readonly times: Readonly<Record<string, number>>
  /** The proxies whose X-Forwarded-For is trusted. */
  readonly isProxy: (address: string | undefined) => boolean
  readonly logger: FastifyBaseLogger
}

export function createApp(options: AppOptions): App {
  const { tls, limits, times, namespace, isProxy, logger, onUnroutable } = options
  const app: App = Fastify({
    http2: true,
    https: {
      ...tls,
      allowHTTP1: true,
      minVersion: 'TLSv1.2',
      // Node would silently drop a field with a blank at its end; the gateway has to see and refuse it (RFC 9113, 8.2.1).
      strictFieldWhitespaceValidation: false,
      settings: { maxConcurrentStreams: limits.requestsOfConnection },
      ...times,
    },
    loggerInstance: logger,
    // Metrics count requests; a log line for each would add nothing.
    logController: new LogController({ disableRequestLogging: true }),
    // The encoded length: 255 characters of up to four bytes, each encoded with three.
    routerOptions: { maxParamLength: 255 * 12 },
    bodyLimit: limits.bodyBytes,
    trustProxy: isProxy,
    clientErrorHandler: (error, socket) => answerUnreadable(error, socket as Socket, namespace),
    frameworkErrors: (error, request, reply) =>
      onUnroutable(error, request as unknown as Request, reply as unknown as Reply),
    // A wrong type in a body is refused, not converted: "12" is no amount. Unknown members are reported.
    ajv: {
      customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, allErrors: true, strict: true },
    },
  })
  app.decorateRequest('identity', undefined)
  return app
}

/** The identity that the guard has set. @throws Error on a route without guard: a bug */
export function identityOf(request: { readonly identity: Identity | undefined }): Identity {
  if (request.identity === undefined) throw new Error('This route has no guard')
  return request.identity
}
