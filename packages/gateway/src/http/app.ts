/** The Fastify instance, set up so that what arrives is what was sent, and nothing is guessed. */
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
  /** Namespace of the problem types. */
  readonly namespace: string
  readonly limits: Pick<Limits, 'bodyBytes' | 'requestsOfConnection'>
  /** Of Node's server: how long the phases of a connection may take. */
  readonly times: Readonly<Record<string, number>>
  /** Whose word on the client's address is taken (X-Forwarded-For). */
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
      // Node would drop a field with a blank at its end without a word; ours to see, and to refuse (RFC 9113, 8.2.1).
      strictFieldWhitespaceValidation: false,
      settings: { maxConcurrentStreams: limits.requestsOfConnection },
      ...times,
    },
    loggerInstance: logger,
    // Metrics count requests; a line for each would only repeat them.
    logController: new LogController({ disableRequestLogging: true }),
    // As it is encoded: 255 characters of up to four bytes, each written with three.
    routerOptions: { maxParamLength: 255 * 12 },
    bodyLimit: limits.bodyBytes,
    trustProxy: isProxy,
    clientErrorHandler: (error, socket) => answerUnreadable(error, socket as Socket, namespace),
    frameworkErrors: (error, request, reply) =>
      onUnroutable(error, request as unknown as Request, reply as unknown as Reply),
    // A body that needs repair is refused, not repaired: "12" is no amount, and unknown members are named.
    ajv: {
      customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, allErrors: true, strict: true },
    },
  })
  app.decorateRequest('identity', undefined)
  return app
}

/** The identity that the guard put there. @throws Error on a route without guard: a bug */
export function identityOf(request: { readonly identity: Identity | undefined }): Identity {
  if (request.identity === undefined) throw new Error('This route has no guard')
  return request.identity
}
